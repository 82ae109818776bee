// The span's totals, each beside that of the period before.

import { el } from "./dom.ts";
import { change, number } from "./format.ts";
import type { Totals } from "./queries.ts";
import type { Who } from "./view.ts";

/** Each with its name, and whether more of it is good. */
const FIGURES: readonly [keyof Totals, string, boolean][] = [
  ["people", "Clicks by people", true],
  ["customers", "New customers", true],
  ["bots", "Clicks by bots", false],
  ["clicks", "All clicks", false],
];

export class TotalsPanel {
  private readonly list = el("dl", { class: "totals" }, ...FIGURES.map(([key, label]) => total(key, label, "–", [])));
  readonly element = el("section", { "aria-label": "Totals" }, this.list);

  show(totals: Totals, before: Totals | null, who: Who, period: string): void {
    const asked = FIGURES.filter(([key]) => who === "all" || key === who || key === "customers");
    const ofBots = who === "bots";
    this.list.replaceChildren(
      ...asked.map(([key, label, isGood]) => {
        const name = ofBots && key === "customers" ? "New customers by bots" : label;
        const against = comparison(totals[key], before?.[key] ?? null, period, isGood && !ofBots);
        return total(key, name, number(totals[key]), against);
      }),
    );
  }
}

function total(key: keyof Totals, label: string, figure: string, against: (Node | string)[]): HTMLElement {
  return el(
    "div",
    { class: "total", "data-figure": key },
    el("dt", {}, label),
    el("dd", { class: "figure" }, figure),
    el("dd", { class: "change" }, ...against),
  );
}

function comparison(value: number, before: number | null, period: string, isGood: boolean): (Node | string)[] {
  if (before === null) return ["Nothing to compare with"];
  if (before === 0) return [value === 0 ? `As ${period}` : `None ${period}`];
  const words = change(value, before);
  const way = !isGood || !/[1-9]/.test(words) ? "same" : value > before ? "up" : "down";
  return [el("span", { class: way }, words), ` against ${number(before)} ${period}`];
}
