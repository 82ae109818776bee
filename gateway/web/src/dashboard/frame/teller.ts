// Says what became of a change, with a button to undo it where that is possible.

import { el } from "../parts/dom.ts";

/** Long enough to find the button by keyboard. */
const SHOWN_MS = 30_000;

export class Teller {
  readonly element = el("div", { class: "teller", role: "status" });
  private timer: number | undefined;

  tell(words: string, undo?: () => void): void {
    clearTimeout(this.timer);
    const take = (run?: () => void) => () => {
      this.clear();
      run?.();
    };
    const back = undo && el("button", { type: "button", class: "quiet", onclick: take(undo) }, "Undo");
    const close = el("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: take() }, "×");
    this.element.replaceChildren(el("p", { dir: "auto" }, words), ...(back ? [back] : []), close);
    this.timer = window.setTimeout(() => this.clear(), SHOWN_MS);
  }

  clear(): void {
    clearTimeout(this.timer);
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceChildren();
    if (hadFocus) document.querySelector<HTMLElement>("h1")?.focus();
  }
}
