// Turns a view into timestamps: when its span starts and ends in its time zone, and the period before to compare with.

import { Temporal } from "temporal-polyfill";
import type { Interval } from "./queries.ts";
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

const LENGTHS: Record<Exclude<Range, "custom">, Length> = {
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
export function spanOf(view: View, now: Temporal.Instant = Temporal.Now.instant()): Span {
  const today = now.toZonedDateTimeISO(view.zone).toPlainDate();
  const [first, last, length] = daysOf(view, today);
  const start = first.toZonedDateTime(view.zone);
  const end = last.add({ days: 1 }).toZonedDateTime(view.zone);
  const isNow = start.epochMilliseconds <= now.epochMilliseconds && now.epochMilliseconds < end.epochMilliseconds;
  const until = isNow ? now.toZonedDateTimeISO(view.zone) : end;
  const before = { from: moment(start.subtract(length)), to: moment(until.subtract(length)) };
  const intervals = intervalsOf(first.until(last).days + 1);
  return {
    from: moment(start),
    to: moment(end),
    days: [first.toString(), last.toString()],
    interval: view.interval && intervals.includes(view.interval) ? view.interval : usual(first.until(last).days + 1),
    intervals,
    before: before.from.slice(0, 4) < FIRST_DAY.slice(0, 4) ? null : before,
  };
}

/** Return the part of a span up to a moment. Later clicks are not in it. */
export function upTo(span: Span, moment: string): Span {
  if (Date.parse(span.to) <= Date.parse(moment)) return span;
  return { ...span, to: Date.parse(moment) < Date.parse(span.from) ? span.from : moment };
}

function daysOf(view: View, today: Temporal.PlainDate): [Temporal.PlainDate, Temporal.PlainDate, Length] {
  if (view.range !== "custom") {
    const length = LENGTHS[view.range];
    return [today.subtract(length).add({ days: 1 }), today, length];
  }
  const first = Temporal.PlainDate.from(view.from!);
  const asked = Temporal.PlainDate.from(view.to!);
  const last = first.until(asked).days < MOST_DAYS ? asked : first.add({ days: MOST_DAYS - 1 });
  return [first, last, { days: first.until(last).days + 1 }];
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

function moment(zoned: Temporal.ZonedDateTime): string {
  return zoned.toInstant().toString();
}
