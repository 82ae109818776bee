// Commission rules in words, such as `30% of every sale for 12 months, held 15 days`.

import type { Rule } from "../api/rule-queries.ts";
import { number, rate } from "./format.ts";

const WHOLE = 10_000;

export type Terms = Pick<Rule, "event" | "kind" | "basisPoints" | "durationMonths" | "holdDays" | "approval" | "productId"> & {
  amount: { formatted: string } | null;
};

/** Return what a rule grants, and when. */
export function ruleSentence(terms: Terms): string {
  const { event, kind, basisPoints, amount, durationMonths } = terms;
  const [share, link] = kind === "PERCENT" ? [rate((basisPoints ?? 0) / WHOLE), "of"] : [amount?.formatted ?? "", "for"];
  const what = event === "LEAD" ? "lead" : "sale";
  const isFirst = durationMonths === 0;
  const which = isFirst ? `a customer’s first ${what}` : `every ${what}`;
  const product = terms.productId ? ` of “${terms.productId}”` : "";
  const time = durationMonths && event === "SALE" ? ` for ${counted(durationMonths, "month")}` : "";
  return `${share} ${link} ${which}${product}${time}, ${approvalOf(terms)}`;
}

function approvalOf({ approval, holdDays }: Terms): string {
  if (approval === "MANUAL") return "approved by hand";
  return holdDays ? `held ${counted(holdDays, "day")}` : "approved at once";
}

function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? "" : "s"}`;
}
