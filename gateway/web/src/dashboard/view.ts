// The state of the view. All of it is kept in the page's address, so that reload, back and sharing work. The time zone
// is part of it, because the same day covers different hours elsewhere.

import type { Tabs } from "./cards.ts";
import type { CommissionStatus } from "./conversion-queries.ts";
import type { Figure } from "./cross-figures.ts";
import type { Dimension } from "./dimensions.ts";
import type { Filters, Who } from "./filters.ts";
import type { Interval } from "./queries.ts";

export const RANGES = ["today", "7d", "30d", "90d", "12m", "custom"] as const;
export type Range = (typeof RANGES)[number];
export const LISTS = ["sales", "refunds", "leads", "commissions"] as const;
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
  filters: Filters;
  /** What the chart shows, such as `sales` or `revenue-eur`. */
  measure: string;
  list: List;
  /** Used with the list of commissions only. */
  status: CommissionStatus | null;
  /** The dimensions that cards of rankings show, other than their first. */
  by: Tabs;
  /** The two dimensions of the cross table, and the figure in its cells. */
  rows: Dimension;
  columns: Dimension;
  figure: Figure;
}

/** What is shown if the address says nothing. */
export const START: View = {
  range: "30d",
  from: null,
  to: null,
  interval: null,
  zone: ownZone(),
  who: "all",
  filters: [],
  measure: "clicks",
  list: "sales",
  status: null,
  by: [],
  rows: "LANDING_PAGE",
  columns: "DEVICE_TYPE",
  figure: "clicks",
};

/** Return the browser's time zone, or UTC if it has no IANA name. */
export function ownZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && zone !== "Etc/Unknown" && isZone(zone) ? zone : "UTC";
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
