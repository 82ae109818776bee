// An error message with a countdown to the next automatic retry, and a button to retry at once.

import { Away } from "../api/api.ts";
import { el } from "../parts/dom.ts";

const FIRST_SECONDS = 3;
const MOST_SECONDS = 60;

export class Notice {
  readonly element: HTMLElement;
  private readonly words = el("span");
  private readonly countdown = el("span", { class: "countdown", "aria-hidden": "true" });
  private timer: number | undefined;
  private seconds = FIRST_SECONDS;

  constructor(private readonly retry: () => void) {
    const button = el("button", { type: "button", onclick: () => this.again() }, "Try again");
    const text = el("p", {}, this.words, " ", this.countdown);
    this.element = el("div", { class: "notice", hidden: true, role: "alert" }, text, button);
  }

  show(error: unknown): void {
    const isAway = error instanceof Away;
    this.words.textContent = isAway
      ? "The gateway cannot be reached. The figures on this page may be out of date."
      : `Something went wrong: ${error instanceof Error ? error.message : String(error)}.`;
    this.element.hidden = false;
    this.countdown.textContent = "";
    clearInterval(this.timer);
    if (!isAway) return;
    this.count(Math.max(error.retrySeconds ?? 0, this.seconds));
    this.seconds = Math.min(MOST_SECONDS, this.seconds * 2);
  }

  clear(): void {
    clearInterval(this.timer);
    this.seconds = FIRST_SECONDS;
    this.element.hidden = true;
  }

  private again(): void {
    clearInterval(this.timer);
    this.countdown.textContent = "Retrying…";
    this.retry();
  }

  private count(left: number): void {
    const tell = () => (this.countdown.textContent = `Retrying in ${left} s.`);
    tell();
    this.timer = window.setInterval(() => (--left > 0 ? tell() : this.again()), 1000);
  }
}
