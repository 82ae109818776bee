// What the cells of the cross table can show.

import { MONEY, type Money } from "../api/queries.ts";
import { number } from "../parts/format.ts";
import { amounts } from "../parts/money.ts";
import type { Who } from "./filters.ts";

export const FIGURES = ["clicks", "people", "visitors", "leads", "sales", "revenue", "commission"] as const;
export type Figure = (typeof FIGURES)[number];

/** What an answer has of a figure: a count, or an amount for each currency. */
export type Amount = number | Money[];

interface Kind {
  label: string;
  /** Its field of a report. */
  field: string;
  isMoney?: boolean;
  /** What the API sorts by. It does not sort by amounts, whose currencies cannot be compared. */
  order: string;
}

const KINDS: Record<Figure, Kind> = {
  clicks: { label: "Clicks", field: "clicks", order: "CLICKS" },
  people: { label: "Clicks by people", field: "people", order: "PEOPLE" },
  visitors: { label: "Visitors", field: "visitors", order: "VISITORS" },
  leads: { label: "Leads", field: "leads", order: "LEADS" },
  sales: { label: "Sales", field: "sales", order: "SALES" },
  revenue: { label: "Revenue", field: "revenue", isMoney: true, order: "SALES" },
  commission: { label: "Commission", field: "earnings", isMoney: true, order: "SALES" },
};

/** Return the figures by name. Bots are visitors, too, where they are not left out. */
export function labelsOf(who: Who): [Figure, string][] {
  return FIGURES.map((each) => [each, each === "visitors" && who !== "people" ? visitorsOf(who) : KINDS[each].label]);
}

/** Return the selection of a figure in a report. */
export function selectionOf(figure: Figure): string {
  const { field, isMoney } = KINDS[figure];
  return isMoney ? `${field} { ${MONEY} }` : field;
}

export function orderOf(figure: Figure): string {
  return KINDS[figure].order;
}

export function amountIn(counts: Record<string, unknown>, figure: Figure): Amount {
  return counts[KINDS[figure].field] as Amount;
}

/** Return what there is of a figure where nothing was counted. */
export function nothingOf(figure: Figure): Amount {
  return KINDS[figure].isMoney ? [] : 0;
}

/** Return an amount in words, one line for each currency. */
export function linesOf(amount: Amount): string[] {
  if (typeof amount === "number") return [number(amount)];
  return amount.length ? amounts(amount) : ["–"];
}

export function isNothing(amount: Amount): boolean {
  return typeof amount === "number" ? amount === 0 : !amount.length;
}

function visitorsOf(who: Who): string {
  return who === "bots" ? "Visitors (bots)" : "Visitors (with bots)";
}
