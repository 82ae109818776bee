// Turns a view into timestamps: when its span starts and ends in its time zone, and the period before to compare with.

// Functions are called as members of their modules: taking them out would put whole modules into the bundle.
import * as Instant from "temporal-polyfill/fns/Instant";
import * as PlainDate from "temporal-polyfill/fns/PlainDate";
import * as ZonedDateTime from "temporal-polyfill/fns/ZonedDateTime";
import type { Interval } from "../api/queries.ts";
import type { Range, View } from "./view.ts";

export interface Span {
  from: string;
  to: string;
  /** The first and last day. */
  days: [string, string];
  interval: Interval;
  /** The intervals that give neither a single bar nor thousands. */
  intervals: Interval[];
  before: { from: string; to: string } | null;
}

type Length = { days: number } | { months: number };

const LENGTHS: Record<Exclude<Range, "custom" | "month" | "last-month">, Length> = {
  today: { days: 1 },
  "7d": { days: 7 },
  "30d": { days: 30 },
  "90d": { days: 90 },
  "12m": { months: 12 },
};
/** Twenty years, the longest report that the API accepts. */
const MOST_DAYS = 7305;
/** The API accepts no dates outside these. */
export const [FIRST_DAY, LAST_DAY] = ["1971-01-02", "2998-12-31"];

/** Return the span of a view at a given time. The period before is as long as the part of the span that has passed. */
export function spanOf(view: View, now = Date.now()): Span {
  const local = Instant.toZonedDateTimeISO(Instant.fromEpochMilliseconds(now), view.zone);
  const [first, last, length] = daysOf(view, ZonedDateTime.toPlainDate(local));
  const start = PlainDate.toZonedDateTime(first, view.zone);
  const end = PlainDate.toZonedDateTime(PlainDate.addDays(last, 1), view.zone);
  const isNow = Date.parse(moment(start)) <= now && now < Date.parse(moment(end));
  const before = { from: moment(earlier(start, length)), to: moment(earlier(isNow ? local : end, length)) };
  const count = PlainDate.diffDays(first, last) + 1;
  const intervals = intervalsOf(count);
  return {
    from: moment(start),
    to: moment(end),
    days: [PlainDate.toString(first), PlainDate.toString(last)],
    interval: view.interval && intervals.includes(view.interval) ? view.interval : usual(count),
    intervals,
    before: before.from.slice(0, 4) < FIRST_DAY.slice(0, 4) ? null : before,
  };
}

/** Return the part of a span up to a moment. Later clicks are not in it. */
export function upTo(span: Span, moment: string): Span {
  if (Date.parse(span.to) <= Date.parse(moment)) return span;
  return { ...span, to: Date.parse(moment) < Date.parse(span.from) ? span.from : moment };
}

function daysOf(view: View, today: PlainDate.Record): [PlainDate.Record, PlainDate.Record, Length] {
  if (view.range === "month" || view.range === "last-month") return monthOf(view.range, today);
  if (view.range !== "custom") {
    const length = LENGTHS[view.range];
    return [PlainDate.addDays(lastBefore(today, length), 1), today, length];
  }
  const [first, asked] = [dayIn(view.from!), dayIn(view.to!)];
  const last = PlainDate.diffDays(first, asked) < MOST_DAYS ? asked : PlainDate.addDays(first, MOST_DAYS - 1);
  return [first, last, { days: PlainDate.diffDays(first, last) + 1 }];
}

/** Return the days of this month so far, or those of the last one. */
function monthOf(range: Range, today: PlainDate.Record): [PlainDate.Record, PlainDate.Record, Length] {
  const first = PlainDate.subtractDays(today, today.day - 1);
  if (range === "month") return [first, today, { months: 1 }];
  return [PlainDate.subtractMonths(first, 1), PlainDate.subtractDays(first, 1), { months: 1 }];
}

/** Return the last day before those of a length that end with a day. */
function lastBefore(day: PlainDate.Record, length: Length): PlainDate.Record {
  if ("days" in length) return PlainDate.subtractDays(day, length.days);
  return PlainDate.subtractMonths(day, length.months);
}

function dayIn(text: string): PlainDate.Record {
  const [year, month, day] = text.split("-").map(Number);
  return PlainDate.create(year!, month!, day!);
}

function earlier(zoned: ZonedDateTime.Record, length: Length): ZonedDateTime.Record {
  if ("days" in length) return ZonedDateTime.subtractDays(zoned, length.days);
  return ZonedDateTime.subtractMonths(zoned, length.months);
}

function intervalsOf(days: number): Interval[] {
  const possible: [Interval, boolean][] = [
    ["HOUR", days <= 31],
    ["DAY", days > 1 && days <= 1100],
    ["WEEK", days >= 14],
    ["MONTH", days >= 60],
  ];
  return possible.filter(([, fits]) => fits).map(([interval]) => interval);
}

function usual(days: number): Interval {
  if (days <= 2) return "HOUR";
  if (days <= 100) return "DAY";
  return days <= 400 ? "WEEK" : "MONTH";
}

function moment(zoned: ZonedDateTime.Record): string {
  return Instant.toString(ZonedDateTime.toInstant(zoned));
}
