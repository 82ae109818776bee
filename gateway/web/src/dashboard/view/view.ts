// The state of the view. All of it is kept in the page's address, so that reload, back and sharing work. The time zone
// is part of it, because the same day covers different hours elsewhere.

import type { CommissionStatus } from "../api/conversion-queries.ts";
import type { Interval } from "../api/queries.ts";
import type { Tabs } from "./cards.ts";
import type { Figure } from "./cross-figures.ts";
import type { Dimension } from "./dimensions.ts";
import type { Filters, Who } from "./filters.ts";
import { isZone, presentName } from "./zones.ts";

const MAIN_KEYS = ["overview", "reports", "partners", "links", "clicks", "customers", "conversions"] as const;
export const SECTION_KEYS = [...MAIN_KEYS, "rules", "payouts", "import", "setup"] as const;
export type SectionKey = (typeof SECTION_KEYS)[number];

export const RANGES = ["today", "7d", "30d", "90d", "month", "last-month", "12m", "custom"] as const;
export type Range = (typeof RANGES)[number];
export const LISTS = ["sales", "refunds", "leads", "commissions"] as const;
/** The lists of conversions. */
export type List = (typeof LISTS)[number];
export const STATES = ["active", "inactive"] as const;
export const FORCES = ["now", "other"] as const;
export const STAGES = ["click", "lead", "conversion"] as const;

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
  /** The dimension whose whole ranking is shown, what is searched for in it, its order if that is not the usual one,
   * and its page. */
  all: Dimension | null;
  find: string;
  order: string;
  page: number;
  /** The two dimensions of the cross table, and the figure in its cells. */
  rows: Dimension;
  columns: Dimension;
  figure: Figure;
  /** What a listed link, partner, customer or sale is searched for by; and what a list is sorted by, empty for the usual order. */
  search: string;
  sort: string;
  /** Whether links are listed that record clicks, or those that are paused; null for both. */
  state: (typeof STATES)[number] | null;
  /** How far the listed customers have come; null for all of them. */
  stage: (typeof STAGES)[number] | null;
  /** Whether commission rules are listed that are in force, or the others; null for both. */
  force: (typeof FORCES)[number] | null;
}

/** What a whole ranking shows of the view. */
export const WHOLE = ["all", "find", "order", "page"] as const satisfies readonly (keyof View)[];

/** What the sections show of the view besides its period, its filters and its time zone. */
export const OWN: Record<SectionKey, readonly (keyof View)[]> = {
  overview: ["interval", "measure", "by", ...WHOLE],
  reports: ["by", ...WHOLE, "rows", "columns", "figure"],
  partners: ["search", "sort"],
  links: ["search", "sort", "state"],
  clicks: ["sort"],
  customers: ["stage", "search", "sort"],
  conversions: ["list", "status", "search", "sort"],
  rules: ["force"],
  payouts: [],
  import: [],
  setup: [],
};

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
  all: null,
  find: "",
  order: "",
  page: 1,
  rows: "LANDING_PAGE",
  columns: "DEVICE_TYPE",
  figure: "clicks",
  search: "",
  sort: "",
  state: null,
  stage: null,
  force: null,
};

/** Return a view as another section shows it, without what only others show. */
export function seenIn(section: SectionKey, view: View): View {
  const others = Object.values(OWN).flat().filter((name) => !OWN[section].includes(name));
  return { ...view, ...Object.fromEntries(others.map((name) => [name, START[name]])) };
}

/** Return the browser's time zone, or UTC if it has no IANA name. */
export function ownZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zone && zone !== "Etc/Unknown" && isZone(zone) ? presentName(zone) : "UTC";
}
