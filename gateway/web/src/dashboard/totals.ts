// The totals of the selected period, each compared with the period before.

import { el } from "./dom.ts";
import { change, number } from "./format.ts";
import type { PeriodBefore } from "./period.ts";
import type { Totals } from "./queries.ts";
import type { Who } from "./view.ts";

/** Each figure's key, its label, and whether more of it is good. */
const FIGURES: readonly [keyof Totals, string, boolean][] = [
  ["people", "Clicks by people", true],
  ["customers", "New customers", true],
  ["bots", "Clicks by bots", false],
  ["clicks", "All clicks", false],
];

export class TotalsPanel {
  private readonly list = el("dl", { class: "totals" }, ...FIGURES.map(([key, label]) => total(key, label, "–", [])));
  readonly element = el("section", { "aria-label": "Totals" }, this.list);

  show(totals: Totals, before: Totals | null, who: Who, period: PeriodBefore): void {
    const asked = FIGURES.filter(([key]) => who === "all" || key === who || key === "customers");
    const ofBots = who === "bots";
    this.list.replaceChildren(
      ...asked.map(([key, label, isGood]) => {
        const name = ofBots && key === "customers" ? "New customers from bots" : label;
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

function comparison(value: number, before: number | null, period: PeriodBefore, isGood: boolean): (Node | string)[] {
  if (before === null) return ["No earlier data to compare with"];
  if (before === 0) return [`None ${period.none}${value === 0 ? " either" : ""}`];
  if (value === before) return [`The same as ${period.than}`];
  const way = !isGood ? "same" : value > before ? "up" : "down";
  return [el("span", { class: way }, change(value, before)), ` than ${period.than} (${number(before)})`];
}
