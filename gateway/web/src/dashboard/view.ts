// The state of the view. All of it is kept in the page's address, so that reload, back and sharing work. The time zone
// is part of it, because the same day covers different hours elsewhere.

import { STATUSES, type CommissionStatus } from "./conversion-queries.ts";
import type { Interval } from "./queries.ts";

const RANGES = ["today", "7d", "30d", "90d", "12m", "custom"] as const;
export type Range = (typeof RANGES)[number];
export type Who = "all" | "people" | "bots";
const LISTS = ["sales", "refunds", "leads", "commissions"] as const;
/** The lists of conversions. */
export type List = (typeof LISTS)[number];

export interface View {
  range: Range;
  /** The first and last day, such as `2026-11-25`; used with a custom range only. */
  from: string | null;
  to: string | null;
  interval: Interval | null;
  zone: string;
  who: Who;
  program: string | null;
  partner: string | null;
  link: string | null;
  /** What the chart shows, such as `sales` or `revenue-eur`. */
  measure: string;
  list: List;
  /** Used with the list of commissions only. */
  status: CommissionStatus | null;
}

const INTERVALS: readonly string[] = ["HOUR", "DAY", "WEEK", "MONTH"];
const MEASURE = /^(clicks|leads|sales|(revenue|commission)(-[a-z]{3})?)$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const START: View = {
  range: "30d",
  from: null,
  to: null,
  interval: null,
  zone: ownZone(),
  who: "all",
  program: null,
  partner: null,
  link: null,
  measure: "clicks",
  list: "sales",
  status: null,
};

/** Return the browser's time zone, or UTC if it has no IANA name. */
export function ownZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && zone !== "Etc/Unknown" && isZone(zone) ? zone : "UTC";
}

/** Read a view from an address's query string, ignoring invalid values. */
export function viewIn(search: string): View {
  const given = new URLSearchParams(search);
  const [from, to] = [date(given.get("from")), date(given.get("to"))];
  const range = RANGES.find((each) => each === given.get("range")) ?? START.range;
  const interval = given.get("interval")?.toUpperCase() ?? "";
  const who = given.get("who");
  const zone = given.get("zone");
  const measure = given.get("measure") ?? "";
  const list = LISTS.find((each) => each === given.get("list")) ?? START.list;
  const status = STATUSES.find((each) => each.toLowerCase() === given.get("status")) ?? null;
  return {
    range: range === "custom" && !(from && to && from <= to) ? START.range : range,
    from,
    to,
    interval: INTERVALS.includes(interval) ? (interval as Interval) : null,
    zone: zone && isZone(zone) ? zone : START.zone,
    who: who === "people" || who === "bots" ? who : "all",
    program: given.get("program"),
    partner: given.get("partner"),
    link: given.get("link"),
    measure: MEASURE.test(measure) ? measure : START.measure,
    list,
    status: list === "commissions" ? status : null,
  };
}

/** Return a view's query string. Defaults are left out, except for the time zone, which differs between viewers. */
export function searchOf(view: View): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(view) as [keyof View, string | null][]) {
    const isDate = name === "from" || name === "to";
    if (value && (name === "zone" || value !== START[name]) && !(isDate && view.range !== "custom")) {
      search.set(name, name === "interval" || name === "status" ? value.toLowerCase() : value);
    }
  }
  return `?${search}`;
}

/** Return whether a text names an IANA time zone. Browsers also accept offsets such as +01:00, which this rejects. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function date(text: string | null): string | null {
  return text && DATE.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}
