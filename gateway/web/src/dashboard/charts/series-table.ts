// All figures over time as a table, which screen readers can use, and as CSV.

import type { Bucket, Interval } from "../api/queries.ts";
import { el } from "../parts/dom.ts";
import { bucketName, capitalised, number } from "../parts/format.ts";
import { amounts } from "../parts/money.ts";

export interface Series {
  buckets: Bucket[];
  /** The buckets of the period before, the first beside the first. */
  before: Bucket[];
  /** When this was counted. */
  asOf: string;
  interval: Interval;
  zone: string;
  isOneDay: boolean;
  /** Whether clicks are left out, so that there may be others. */
  isFiltered: boolean;
  /** The span in file names, such as `2026-11-01-to-2026-11-30`. */
  name: string;
}

export const PER: Record<Interval, string> = { HOUR: "hour", DAY: "day", WEEK: "week", MONTH: "month" };

/** Return a bucket's name, and whether it has not ended yet. */
export function nameIn({ interval, zone, asOf }: Series, bucket: Bucket): string {
  return bucketName(bucket, interval, zone) + (isUnfinished(asOf, bucket) ? ", so far" : "");
}

export function isUnfinished(asOf: string, bucket: Bucket): boolean {
  return Date.parse(bucket.start) <= Date.parse(asOf) && Date.parse(asOf) < Date.parse(bucket.end);
}

export function tableOf(series: Series): HTMLElement {
  const { buckets, interval } = series;
  const names = [capitalised(PER[interval]), "People", "Bots", "All clicks", "Leads", "Sales", "Revenue", "Commission"];
  const head = names.map((name, number) => el("th", { scope: "col", class: number ? "number" : false }, name));
  const body = buckets.map((each) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, nameIn(series, each)),
      ...[each.people, each.bots, each.clicks, each.leads, each.sales].map((value) =>
        el("td", { class: "number" }, number(value)),
      ),
      ...[each.revenue, each.earnings].map((money) =>
        el("td", { class: "number money" }, amounts(money).join(", ") || "–"),
      ),
    ),
  );
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}

export function rows({ buckets }: Series): (string | number)[][] {
  return [
    ["start", "end", "people", "bots", "clicks", "leads", "sales", "revenue", "commission"],
    ...buckets.map((each) => [
      ...[each.start, each.end, each.people, each.bots, each.clicks, each.leads, each.sales],
      ...[amounts(each.revenue).join("; "), amounts(each.earnings).join("; ")],
    ]),
  ];
}
