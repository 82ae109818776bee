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

export interface TotalsPanel {
  element: HTMLElement;
  show(totals: Totals, before: Totals | null, who: Who, period: string): void;
}

export function totalsPanel(): TotalsPanel {
  const list = el("dl", { class: "totals" });
  return {
    element: el("section", { "aria-label": "Totals" }, list),
    show(totals, before, who, period) {
      list.replaceChildren(
        ...FIGURES.filter(([key]) => who === "all" || key === who || key === "customers").map(([key, label, isGood]) =>
          el(
            "div",
            { class: "total", "data-figure": key },
            el("dt", {}, label),
            el("dd", { class: "figure" }, number(totals[key])),
            el("dd", { class: "change" }, ...comparison(totals[key], before?.[key] ?? null, period, isGood)),
          ),
        ),
      );
    },
  };
}

function comparison(value: number, before: number | null, period: string, isGood: boolean): (Node | string)[] {
  if (before === null) return ["Nothing to compare with"];
  if (before === 0) return [value === 0 ? `As ${period}` : `None ${period}`];
  const words = change(value, before);
  const way = !isGood || !/[1-9]/.test(words) ? "same" : value > before ? "up" : "down";
  return [el("span", { class: way }, words), ` against ${number(before)} ${period}`];
}
