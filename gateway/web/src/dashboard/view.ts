// What is being looked at. All of it stands in the address, so that reloading, going back and sharing work: the time zone
// too, because a day is another time elsewhere.

import type { Interval } from "./queries.ts";

const RANGES = ["today", "7d", "30d", "90d", "12m", "custom"] as const;
export type Range = (typeof RANGES)[number];
export type Who = "all" | "people" | "bots";

export interface View {
  range: Range;
  /** The first and the last day, as in `2026-11-25`; of a custom range only. */
  from: string | null;
  to: string | null;
  interval: Interval | null;
  zone: string;
  who: Who;
  program: string | null;
  partner: string | null;
  link: string | null;
}

const INTERVALS: readonly string[] = ["HOUR", "DAY", "WEEK", "MONTH"];
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
};

/** Return the browser's zone; UTC where it has none with a name. */
export function ownZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && zone !== "Etc/Unknown" && isZone(zone) ? zone : "UTC";
}

/** Read a view from an address's query; what is wrong in it is as if it were not there. */
export function viewIn(search: string): View {
  const given = new URLSearchParams(search);
  const [from, to] = [date(given.get("from")), date(given.get("to"))];
  const range = RANGES.find((each) => each === given.get("range")) ?? START.range;
  const interval = given.get("interval")?.toUpperCase() ?? "";
  const who = given.get("who");
  const zone = given.get("zone");
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
  };
}

/** Return the query of a view's address; what is as at the start is left out, but for the zone, which is the viewer's. */
export function searchOf(view: View): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(view) as [keyof View, string | null][]) {
    const isDate = name === "from" || name === "to";
    if (value && (name === "zone" || value !== START[name]) && !(isDate && view.range !== "custom")) {
      search.set(name, name === "interval" ? value.toLowerCase() : value);
    }
  }
  return `?${search}`;
}

/** Tell whether a text is the name of an IANA zone. A browser takes offsets such as +01:00 besides. */
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
