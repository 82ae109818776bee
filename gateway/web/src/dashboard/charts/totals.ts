// The totals of the selected period, each compared with the period before. People come first; bots are a footnote.

import type { Money, Totals } from "../api/queries.ts";
import { el } from "../parts/dom.ts";
import { number, rate } from "../parts/format.ts";
import { amounts, perEach } from "../parts/money.ts";
import type { Who } from "../view/filters.ts";
import type { PeriodBefore } from "../view/period.ts";
import { countChange, figure, moneyChange, textChange } from "./figures.ts";

type Counted = "people" | "visitors" | "customers" | "bots" | "clicks" | "leads" | "sales";

const LABELS: Record<Counted, string> = {
  people: "Clicks by people",
  visitors: "Visitors",
  customers: "New customers",
  bots: "Clicks by bots",
  clicks: "All clicks",
  leads: "Leads",
  sales: "Sales",
};
/** The counts of which more is good, unless they are of bots. */
const GOOD: readonly Counted[] = ["people", "visitors", "customers", "leads", "sales"];
const HEADLINES: readonly Counted[] = ["people", "visitors", "customers"];
const HEADLINES_OF_BOTS: readonly Counted[] = ["bots", "customers"];
const FOOTNOTES: readonly Counted[] = ["bots", "clicks"];
const AMOUNTS: readonly [string, string, (totals: Totals) => readonly Money[]][] = [
  ["revenue", "Revenue", ({ revenue }) => revenue],
  ["earnings", "Commission", ({ earnings }) => earnings],
];
const RATE = "conversion-rate";

export class TotalsPanel {
  private readonly headlines = el("dl", { class: "totals" }, ...HEADLINES.map((key) => figure(key, LABELS[key], [])));
  private readonly funnel = el("dl", { class: "totals funnel" });
  private readonly footnotes = el("dl", { class: "footnotes" });
  readonly element = el("section", { "aria-label": "Totals" }, this.headlines, this.funnel, this.footnotes);

  show(totals: Totals, before: Totals | null, who: Who, period: PeriodBefore): void {
    const ofBots = who === "bots";
    const count = (key: Counted) => {
      const label = ofBots && key === "customers" ? "New customers from bots" : LABELS[key];
      const change = countChange(totals[key], before?.[key] ?? null, period, GOOD.includes(key) && !ofBots);
      return figure(key, label, [number(totals[key])], change);
    };
    this.headlines.replaceChildren(...(ofBots ? HEADLINES_OF_BOTS : HEADLINES).map(count));
    this.funnel.hidden = ofBots;
    const counts = (["leads", "sales"] as const).map(count);
    this.funnel.replaceChildren(...counts, ...rates(totals, before, period), ...earned(totals, before, period));
    this.footnotes.hidden = who !== "all";
    this.footnotes.replaceChildren(...(who === "all" ? FOOTNOTES.map(count) : []));
  }
}

function rates(totals: Totals, before: Totals | null, period: PeriodBefore): HTMLElement[] {
  const lines = ({ conversionRate: share }: Totals) => (share === null ? [] : [rate(share)]);
  return [figure(RATE, "Conversion rate", lines(totals), textChange(before && lines(before), period))];
}

function earned(totals: Totals, before: Totals | null, period: PeriodBefore): HTMLElement[] {
  const perClick = ({ earnings, people }: Totals) => perEach(earnings, people);
  const each = figure("earnings-per-click", "Commission per click", perClick(totals), textChange(before && perClick(before), period));
  const sums = AMOUNTS.map(([key, label, of]) =>
    figure(key, label, amounts(of(totals)), moneyChange(of(totals), before && of(before), period)),
  );
  return [...sums, each];
}
