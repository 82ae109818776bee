// The cells of lists of links, partners and customers.

import type { Money } from "../api/queries.ts";
import { el, type Child } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import { amounts } from "../parts/money.ts";

/** Create a cell with a name, which narrow screens give a line of its own. */
export function name(label: string, words: string | null | undefined): HTMLElement {
  return el("td", { class: "name", "data-label": label }, cut(words || "–"));
}

/** Create a cell with a short text. */
export function text(label: string, words: string | null | undefined): HTMLElement {
  return el("td", { "data-label": label }, cut(words || "–"));
}

export function count(label: string, value: number): HTMLElement {
  return el("td", { class: "number", "data-label": label }, number(value));
}

/** Create a cell with an amount in each currency. */
export function money(label: string, shown: readonly Money[]): HTMLElement {
  const lines = shown.length ? amounts(shown) : ["–"];
  return el("td", { class: "number", "data-label": label }, el("div", {}, ...lines.map((line) => el("div", {}, line))));
}

/** Create a text that is cut off where it is too long, and shown in full to who points at it. */
export function cut(words: string, ...more: Child[]): HTMLElement {
  return el("span", { class: "cut", dir: "auto", title: words }, words, ...more);
}
