// Says that something went wrong, tries again by itself after a while, and at once when told to.

import { Away } from "./api.ts";
import { el } from "./dom.ts";

const FIRST_SECONDS = 3;
const MOST_SECONDS = 60;

export interface Notice {
  element: HTMLElement;
  show(error: unknown): void;
  clear(): void;
}

export function notice(retry: () => void): Notice {
  const words = el("span");
  const countdown = el("span", { class: "countdown", "aria-hidden": "true" });
  const button = el("button", { type: "button", onclick: () => again() }, "Try again");
  const element = el("div", { class: "notice", hidden: true, role: "alert" }, el("p", {}, words, " ", countdown), button);
  let timer: number | undefined;
  let seconds = FIRST_SECONDS;

  function again(): void {
    clearInterval(timer);
    countdown.textContent = "Trying…";
    retry();
  }

  function count(left: number): void {
    clearInterval(timer);
    const tell = () => (countdown.textContent = `Trying again in ${left} s.`);
    tell();
    timer = window.setInterval(() => (--left > 0 ? tell() : again()), 1000);
  }
  return {
    element,
    show(error) {
      const isAway = error instanceof Away;
      words.textContent = isAway
        ? "The gateway cannot be reached; what is shown may be old."
        : `Something went wrong: ${error instanceof Error ? error.message : String(error)}.`;
      element.hidden = false;
      countdown.textContent = "";
      clearInterval(timer);
      if (isAway) {
        count(Math.max(error.retrySeconds ?? 0, seconds));
        seconds = Math.min(MOST_SECONDS, seconds * 2);
      }
    },
    clear() {
      clearInterval(timer);
      seconds = FIRST_SECONDS;
      element.hidden = true;
    },
  };
}
