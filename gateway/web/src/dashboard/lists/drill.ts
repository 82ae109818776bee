// Links from an item of a list to what is known of its clicks.

import { el } from "../parts/dom.ts";
import { leading } from "../parts/leading.ts";
import type { Chosen } from "../view/chosen.ts";
import type { Desk } from "../view/section.ts";

/** Create a link to the overview of the clicks that have a value. */
export function overviewOf(desk: Desk, chosen: Chosen): HTMLElement {
  const href = desk.addressOf("overview", chosen);
  const focus = { "data-focus": `${chosen.dimension} ${chosen.value}` };
  const title = `${chosen.words}: show the overview`;
  const link = el("a", { class: "cut", dir: "auto", href, title, ...focus }, chosen.words);
  return leading(link, () => desk.go("overview", chosen));
}
