// The span's totals, each beside that of the period before.

import { el } from "./dom.ts";
import { change, number } from "./format.ts";
import type { Totals } from "./queries.ts";
import type { Who } from "./view.ts";

const FIGURES: readonly [keyof Totals, string, string][] = [
  ["people", "Clicks by people", "people"],
  ["customers", "New customers", "customers"],
  ["bots", "Clicks by bots", "bots"],
  ["clicks", "All clicks", "clicks"],
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
        ...FIGURES.filter(([key]) => who === "all" || key === who || key === "customers").map(([key, label, kind]) =>
          el(
            "div",
            { class: "total", "data-figure": kind },
            el("dt", {}, label),
            el("dd", { class: "figure" }, number(totals[key])),
            el("dd", { class: "change" }, ...comparison(totals[key], before?.[key] ?? null, period)),
          ),
        ),
      );
    },
  };
}

function comparison(value: number, before: number | null, period: string): (Node | string)[] {
  if (before === null) return ["Nothing to compare with"];
  if (before === 0) return [value === 0 ? `None, as in ${period}` : `None in ${period}`];
  const way = value > before ? "up" : value < before ? "down" : "same";
  const words = value === before ? "Same as" : `${change(value, before)} against`;
  return [el("span", { class: way }, words.split(" ")[0]!), ` ${words.split(" ").slice(1).join(" ")} ${number(before)} in ${period}`];
}
