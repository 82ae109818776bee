// A button that opens a menu of what can be done with a row of a list.

import { el, unseen } from "./dom.ts";
import { putAbove, refocus } from "./focus.ts";

export interface Action {
  words: string;
  run: () => void;
}

const GAP = 4;

/** Create the button. `of` says whose actions they are, and `key` tells the button apart from others. */
export function menuButton(of: string, key: string, actions: readonly Action[]): HTMLButtonElement {
  const dots = el("span", { "aria-hidden": "true" }, "⋯");
  const attributes = { type: "button", class: "quiet menu-button", "aria-haspopup": "menu", "aria-expanded": "false" };
  const button = el("button", { ...attributes, "data-focus": `menu ${key}` }, dots, unseen(`Actions for ${of}`));
  button.addEventListener("click", () => open(button, actions));
  button.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    open(button, actions);
  });
  return button;
}

function open(button: HTMLButtonElement, actions: readonly Action[]): void {
  const leaving = new AbortController();
  const close = () => {
    leaving.abort();
    menu.remove();
    button.setAttribute("aria-expanded", "false");
  };
  const items = actions.map(({ words, run }) => {
    const press = () => {
      close();
      refocus(button);
      run();
    };
    return el("button", { type: "button", role: "menuitem", tabindex: "-1", onclick: press }, words);
  });
  const menu = el("div", { class: "menu", role: "menu", "aria-label": button.textContent }, ...items);
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Tab" || event.key === "Escape") {
      close();
      refocus(button);
    } else moveFocus(event, items);
  });
  const { signal } = leaving;
  const outside = ({ target }: Event) => menu.contains(target as Node) || close();
  document.addEventListener("pointerdown", outside, { signal, capture: true });
  addEventListener("scroll", close, { signal, capture: true });
  addEventListener("resize", close, { signal });
  putAbove(menu);
  place(menu, button.getBoundingClientRect());
  button.setAttribute("aria-expanded", "true");
  items[0]?.focus({ preventScroll: true });
}

/** Place a menu below a button, or above where there is no room. */
function place(menu: HTMLElement, { top, bottom, right }: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const isAbove = bottom + GAP + height > innerHeight;
  menu.style.left = `${Math.max(GAP, right - width)}px`;
  menu.style.top = `${Math.max(GAP, isAbove ? top - GAP - height : bottom + GAP)}px`;
}

function moveFocus(event: KeyboardEvent, items: readonly HTMLElement[]): void {
  const at = items.indexOf(document.activeElement as HTMLElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length)?.focus({ preventScroll: true });
}
