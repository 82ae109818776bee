// Names the period that a span is compared with, for sentences such as "12% more than in the 30 days before".

import type { Span } from "./spans.ts";
import type { Range } from "./view.ts";

export interface PeriodBefore {
  /** Follows "12% more than". */
  than: string;
  /** Follows "None". */
  none: string;
}

const PERIODS: Record<Exclude<Range, "custom" | "today">, string> = {
  "7d": "in the 7 days before",
  "30d": "in the 30 days before",
  "90d": "in the 90 days before",
  month: "by this time last month",
  "last-month": "in the month before",
  "12m": "in the 12 months before",
};

export function periodBefore(range: Range, { days: [first, last] }: Span): PeriodBefore {
  if (range === "today") return { than: "at this time yesterday", none: "so far yesterday" };
  const words = range === "custom" ? daysBefore(first, last) : PERIODS[range];
  return { than: words, none: words };
}

function daysBefore(first: string, last: string): string {
  const days = Math.round((Date.parse(last) - Date.parse(first)) / 86_400_000) + 1;
  return days === 1 ? "on the day before" : `in the ${days.toLocaleString("en")} days before`;
}
