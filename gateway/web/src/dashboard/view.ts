// The state of the view. All of it is kept in the page's address, so that reload, back and sharing work. The time zone
// is part of it, because the same day covers different hours elsewhere.

import { tabsIn, type Tabs } from "./cards.ts";
import { STATUSES, type CommissionStatus } from "./conversion-queries.ts";
import { FIGURES, type Figure } from "./cross-figures.ts";
import { dimensionCalled, type Dimension } from "./dimensions.ts";
import { parameterOf, withParameter, type Filters } from "./filters.ts";
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

/** A view, and the parameters of its address that were left out because they make no sense. */
export interface Opened {
  view: View;
  ignored: string[];
}

const INTERVALS: readonly string[] = ["HOUR", "DAY", "WEEK", "MONTH"];
const MEASURE = /^(clicks|leads|sales|(revenue|commission)(-[a-z]{3})?)$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** The names of filters in older addresses. */
const FORMER = ["program", "partner", "link"];
const START: View = {
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

/** Read a view from an address's query string. */
export function viewIn(search: string): Opened {
  const given = new URLSearchParams(search);
  const { filters, ignored } = filtersIn(given);
  const view = { ...periodIn(given), ...panelsIn(given), filters };
  const wrong = [...given].filter(([name, value]) => value && isIn(view, name) && !isShown(view, name, value));
  return { view, ignored: [...ignored, ...wrong.map(([name, value]) => `${name}=${value}`)] };
}

/** Return a view's query string. Defaults are left out, except for the time zone, which differs between viewers. */
export function searchOf(view: View): string {
  const search = new URLSearchParams();
  for (const name of Object.keys(START) as (keyof View)[]) {
    const isDate = name === "from" || name === "to";
    const text = textOf(view, name);
    if (text && (name === "zone" || text !== textOf(START, name)) && !(isDate && view.range !== "custom")) {
      search.set(name, text);
    }
  }
  for (const filter of view.filters) search.append(...parameterOf(filter));
  return `?${search}`;
}

type Period = Pick<View, "range" | "from" | "to" | "interval" | "zone" | "who">;

function periodIn(given: URLSearchParams): Period {
  const [from, to] = [date(given.get("from")), date(given.get("to"))];
  const range = RANGES.find((each) => each === given.get("range")) ?? START.range;
  const interval = given.get("interval")?.toUpperCase() ?? "";
  const [who, zone] = [given.get("who"), given.get("zone")];
  return {
    range: range === "custom" && !(from && to && from <= to) ? START.range : range,
    from,
    to,
    interval: INTERVALS.includes(interval) ? (interval as Interval) : null,
    zone: zone && isZone(zone) ? zone : START.zone,
    who: who === "people" || who === "bots" ? who : "all",
  };
}

function panelsIn(given: URLSearchParams): Omit<View, keyof Period | "filters"> {
  const measure = given.get("measure") ?? "";
  const list = LISTS.find((each) => each === given.get("list")) ?? START.list;
  const status = STATUSES.find((each) => each.toLowerCase() === given.get("status")) ?? null;
  const rows = dimensionCalled(given.get("rows") ?? "") ?? START.rows;
  const columns = dimensionCalled(given.get("columns") ?? "") ?? START.columns;
  return {
    measure: MEASURE.test(measure) ? measure : START.measure,
    list,
    status: list === "commissions" ? status : null,
    by: tabsIn(given.get("by") ?? ""),
    // Two dimensions, even where an address names the same twice.
    ...(rows === columns ? { rows: START.rows, columns: START.columns } : { rows, columns }),
    figure: FIGURES.find((each) => each === given.get("figure")) ?? START.figure,
  };
}

function filtersIn(given: URLSearchParams): { filters: Filters; ignored: string[] } {
  let filters: Filters = [];
  const ignored: string[] = [];
  for (const [name, value] of given) {
    const filter = FORMER.includes(name) ? `is.${name}` : name;
    if (!/^(is|not)\./.test(filter)) continue;
    const more = withParameter(filters, filter, value);
    if (more) filters = more;
    else ignored.push(`${name}=${value}`);
  }
  return { filters, ignored };
}

function isIn(view: View, name: string): name is keyof View {
  return name in view && name !== "filters";
}

function isShown(view: View, name: keyof View, value: string): boolean {
  return textOf(view, name).toLowerCase() === value.toLowerCase();
}

/** Return a part of a view as it is in the address. */
function textOf(view: View, name: keyof View): string {
  switch (name) {
    case "filters":
      return "";
    case "by":
      return view.by.join(".").toLowerCase();
    case "rows":
    case "columns":
    case "interval":
    case "status":
      return view[name]?.toLowerCase() ?? "";
    default:
      return view[name] ?? "";
  }
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
