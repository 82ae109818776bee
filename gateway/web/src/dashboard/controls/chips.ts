// The filters in effect, each with a button that turns it into its opposite and one that removes it.

import { el, unseen } from "../parts/dom.ts";
import { nameOf } from "../view/dimensions.ts";
import { areFew, parameterOf, turned, without, type Filter, type Filters } from "../view/filters.ts";
import type { Names } from "../view/names.ts";

const TOO_MANY = "These are as many filters as a report can have at once. Remove one to add another.";

export class Chips {
  readonly element: HTMLElement;
  private readonly list = el("div", { class: "chips", role: "group", "aria-label": "Filters in effect", tabindex: "-1" });
  /** What became of filters that could not be applied. */
  private readonly notes = el("p", { class: "note", role: "status" });

  constructor(private readonly change: (filters: Filters) => void) {
    this.element = el("div", { class: "filters" }, this.list, this.notes);
  }

  show(filters: Filters, names: Names): void {
    const place = this.focused();
    const chips = filters.map((filter) => this.chip(filters, filter, names));
    const clear = () => this.change([]);
    const all = filters.length > 1 && el("button", { type: "button", class: "quiet", onclick: clear }, "Remove all filters");
    this.list.replaceChildren(...chips, ...(all ? [all] : []));
    if (place) this.focus(...place);
  }

  /** Say which parts of the address were left out, and which section it names that the viewer cannot see. */
  ignore(parameters: readonly string[], section: string | null): void {
    this.notes.replaceChildren();
    if (section !== null) this.notes.append("There is no section “", el("bdi", {}, section), "” here. This is the overview. ");
    if (!parameters.length) return;
    const listed = parameters.flatMap((each, at) => [...(at ? [", "] : []), el("bdi", {}, each)]);
    this.notes.append("Part of this page’s address makes no sense and was left out: ", ...listed, ".");
  }

  /** Return whether a report can have these filters, and say so if not. */
  accepts(filters: Filters): boolean {
    const isAccepted = areFew(filters);
    this.notes.textContent = isAccepted ? "" : TOO_MANY;
    return isAccepted;
  }

  private chip(filters: Filters, filter: Filter, names: Names): HTMLElement {
    const [start, value] = names.sentence(filter, nameOf(filter.dimension));
    const turn = {
      type: "button",
      class: "turn",
      title: filter.isOut ? "Remove this filter" : "Leave these clicks out instead",
      onclick: () => this.change(turned(filters, filter)),
    };
    const drop = () => this.change(without(filters, filter));
    const remove = { type: "button", class: "remove", title: "Remove this filter", onclick: drop };
    const cross = el("span", { "aria-hidden": "true" }, "×");
    return el(
      "span",
      { class: filter.isOut ? "chip out" : "chip", "data-filter": parameterOf(filter).join("=") },
      el("button", turn, `${start} `, el("bdi", {}, value)),
      el("button", remove, cross, unseen(`Remove filter: ${start} ${value}`)),
    );
  }

  /** Return which chip has the focus, and which of its buttons. */
  private focused(): [number, string] | null {
    const { activeElement: focused } = document;
    if (!focused || !this.list.contains(focused)) return null;
    const chips = [...this.list.querySelectorAll(".chip")];
    return [chips.findIndex((chip) => chip.contains(focused)), focused.classList[0] ?? ""];
  }

  /** Focus the chip that took the place of another one, or else the last one, or else the list or the page's heading. */
  private focus(place: number, button: string): void {
    const chips = this.list.querySelectorAll(".chip");
    const chip = chips[Math.min(place, chips.length - 1)];
    (chip?.querySelector<HTMLElement>(`button.${button}`) ?? this.list).focus();
    // Without filters, a section that has no other controls does not show the list, either.
    if (document.activeElement !== this.list && !chip) document.querySelector("h1")?.focus();
  }
}
