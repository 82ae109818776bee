// The totals of the selected period, each compared with the period before.

import { el } from "./dom.ts";
import type { Who } from "./filters.ts";
import { change, number, rate } from "./format.ts";
import { amounts, perEach } from "./money.ts";
import type { PeriodBefore } from "./period.ts";
import type { Totals } from "./queries.ts";

type Counted = "people" | "visitors" | "customers" | "bots" | "clicks" | "leads" | "sales";

/** Each count of clicks: its key, its label, and whether more of it is good. */
const FIGURES: readonly [Counted, string, boolean][] = [
  ["people", "Clicks by people", true],
  ["visitors", "Visitors", true],
  ["customers", "New customers", true],
  ["bots", "Clicks by bots", false],
  ["clicks", "All clicks", false],
];
/** What follows the clicks of people: counts, and figures that are texts, each of which may have several lines. */
const CONVERSIONS: readonly [Counted, string][] = [
  ["leads", "Leads"],
  ["sales", "Sales"],
];
const TEXTS: readonly [string, string, (totals: Totals) => string[]][] = [
  ["conversion-rate", "Conversion rate", ({ conversionRate: share }) => (share === null ? [] : [rate(share)])],
  ["revenue", "Revenue", ({ revenue }) => amounts(revenue)],
  ["earnings", "Commission", ({ earnings }) => amounts(earnings)],
  ["earnings-per-click", "Commission per click", ({ earnings, people }) => perEach(earnings, people)],
];

export class TotalsPanel {
  private readonly list = el("dl", { class: "totals" }, ...FIGURES.map(([key, label]) => total(key, label, ["–"], [])));
  private readonly funnel = el("dl", { class: "totals funnel" });
  readonly element = el("section", { "aria-label": "Totals" }, this.list, this.funnel);

  show(totals: Totals, before: Totals | null, who: Who, period: PeriodBefore): void {
    const ofBots = who === "bots";
    const people = ofBots ? ["customers"] : ["customers", "visitors"];
    const asked = FIGURES.filter(([key]) => who === "all" || key === who || people.includes(key));
    this.list.replaceChildren(
      ...asked.map(([key, label, isGood]) => {
        const name = ofBots && key === "customers" ? "New customers from bots" : label;
        const against = comparison(totals[key], before?.[key] ?? null, period, isGood && !ofBots);
        return total(key, name, [number(totals[key])], against);
      }),
    );
    this.funnel.hidden = ofBots;
    this.funnel.replaceChildren(...conversions(totals, before, period));
  }
}

function conversions(totals: Totals, before: Totals | null, period: PeriodBefore): HTMLElement[] {
  const counts = CONVERSIONS.map(([key, label]) =>
    total(key, label, [number(totals[key])], comparison(totals[key], before?.[key] ?? null, period, true)),
  );
  const texts = TEXTS.map(([key, label, lines]) => {
    const earlier = before && lines(before);
    const against = earlier?.length ? `${earlier.join(", ")} ${period.than}` : `None ${period.none}`;
    const shown = lines(totals);
    return total(key, label, shown.length ? shown : ["–"], [earlier ? against : "No earlier data to compare with"]);
  });
  return [...counts, ...texts];
}

function total(key: string, label: string, lines: string[], against: (Node | string)[]): HTMLElement {
  return el(
    "div",
    { class: "total", "data-figure": key },
    el("dt", {}, label),
    el("dd", { class: "figure" }, ...lines.map((line) => el("span", {}, line))),
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
