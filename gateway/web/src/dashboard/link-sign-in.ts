// The page that a link which signs in opens where a press has to confirm it: any page can lead to such a link, and
// programs that look at the links in mails may run scripts, but press no buttons.

import { el } from "./dom.ts";
import { wordsFor } from "./signin.ts";

export interface Asked {
  title: string;
  text: string;
  /** What the button says that signs in, and what it does. */
  accept: readonly [string, () => Promise<void>];
  /** The same of the button that leaves everything as it is. */
  decline?: readonly [string, () => void];
}

export class LinkSignIn {
  readonly element: HTMLElement;
  private readonly problem = el("p", { class: "problem", role: "alert" });
  private readonly button: HTMLButtonElement;

  constructor(private readonly asked: Asked) {
    const { title, text, accept, decline } = asked;
    this.button = el("button", { class: "primary", type: "button", onclick: () => void this.accept() }, accept[0]);
    const keep = decline && el("button", { type: "button", onclick: decline[1] }, decline[0]);
    const form = el("div", { class: "card" }, el("p", {}, text), this.problem, this.button, keep);
    this.element = el("main", { class: "signin" }, el("p", { class: "brand" }, "clickgate"), el("h1", {}, title), form);
  }

  focus(): void {
    this.button.focus();
  }

  private async accept(): Promise<void> {
    this.button.disabled = true;
    try {
      await this.asked.accept[1]();
    } catch (error) {
      this.problem.textContent = wordsFor(error);
      this.button.disabled = false;
    }
  }
}
