// Writes a view as the query string of an address, and reads it.

import { STATUSES } from "../api/conversion-queries.ts";
import type { Interval } from "../api/queries.ts";
import { tabsIn } from "./cards.ts";
import { FIGURES } from "./cross-figures.ts";
import { dimensionCalled, isTime } from "./dimensions.ts";
import { parameterOf, withParameter, type Filters } from "./filters.ts";
import { CUSTOMER_SORTS, HAPPENED_SORTS, LINK_SORTS, PARTNER_SORTS, RANKING_SORTS, type Sortings } from "./list-sorts.ts";
import { FORCES, LISTS, RANGES, STAGES, START, STATES, WHOLE, seenIn, type SectionKey, type View } from "./view.ts";
import { isZone, presentName } from "./zones.ts";

/** A view, and the parameters of its address that were left out because they make no sense. */
export interface Opened {
  view: View;
  ignored: string[];
}

const INTERVALS: readonly string[] = ["HOUR", "DAY", "WEEK", "MONTH"];
const MEASURE = /^(clicks|leads|sales|(revenue|commission)(-[a-z]{3})?)$/;
/** What the lists of sections are sorted by. */
const SORTS: Partial<Record<SectionKey, Sortings>> = {
  partners: PARTNER_SORTS,
  links: LINK_SORTS,
  clicks: HAPPENED_SORTS,
  customers: CUSTOMER_SORTS,
  conversions: HAPPENED_SORTS,
};
/** The longest text that lists are searched by. */
const LONGEST_SEARCH = 100;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** Pages of twenty rows, of as many rows as the API counts. */
const PAGE = /^[1-9]\d{0,3}$|^1\d{4}$|^2[0-4]\d{3}$|^25000$/;
/** The names of filters in older addresses. */
const FORMER = ["program", "partner", "link"];

/** Read a view from the query string of a section's address. */
export function viewIn(search: string, section: SectionKey): Opened {
  const given = new URLSearchParams(search);
  const { filters, ignored } = filtersIn(given);
  const full = { ...periodIn(given), ...panelsIn(given), ...wholeIn(given), ...listIn(given, section), filters };
  const view = seenIn(section, full);
  const wrong = [...given].filter(([name, value]) => value && isIn(full, name) && !isShown(full, name, value));
  return { view, ignored: [...ignored, ...wrong.map(([name, value]) => `${name}=${value}`)] };
}

/** Return a view's query string. Defaults are left out, except for the time zone, which differs between viewers. */
export function searchOf(full: View, section: SectionKey): string {
  const view = seenIn(section, full);
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
    zone: zone && isZone(zone) ? presentName(zone) : START.zone,
    who: who === "people" || who === "bots" ? who : "all",
  };
}

type Listed = Pick<View, "search" | "sort" | "state" | "stage" | "force">;

function listIn(given: URLSearchParams, section: SectionKey): Listed {
  const sorts = SORTS[section] ?? {};
  const sort = given.get("sort") ?? "";
  return {
    search: (given.get("search") ?? "").slice(0, LONGEST_SEARCH),
    sort: Object.hasOwn(sorts, sort) ? sort : "",
    state: STATES.find((each) => each === given.get("state")) ?? null,
    stage: STAGES.find((each) => each === given.get("stage")) ?? null,
    force: FORCES.find((each) => each === given.get("force")) ?? null,
  };
}

/** Read what there is of a whole ranking. Hours and days are all on their card. */
function wholeIn(given: URLSearchParams): Pick<View, (typeof WHOLE)[number]> {
  const all = dimensionCalled(given.get("all") ?? "");
  if (!all || isTime(all)) return { all: null, find: "", order: "", page: START.page };
  const [order, page] = [given.get("order") ?? "", given.get("page") ?? ""];
  return {
    all,
    find: (given.get("find") ?? "").slice(0, LONGEST_SEARCH),
    order: Object.hasOwn(RANKING_SORTS, order) ? order : "",
    page: PAGE.test(page) ? Number(page) : START.page,
  };
}

function panelsIn(given: URLSearchParams): Omit<View, keyof Period | keyof Listed | (typeof WHOLE)[number] | "filters"> {
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
  return Object.hasOwn(view, name) && name !== "filters";
}

function isShown(view: View, name: keyof View, value: string): boolean {
  if (name === "zone") return view.zone === presentName(value);
  const parts = (text: string) => text.toLowerCase().split(".").sort().join(".");
  return parts(textOf(view, name)) === parts(value);
}

/** Return a part of a view as it is in the address. */
function textOf(view: View, name: keyof View): string {
  switch (name) {
    case "filters":
      return "";
    case "by":
      return view.by.join(".").toLowerCase();
    case "page":
      return String(view.page);
    case "all":
    case "rows":
    case "columns":
    case "interval":
    case "status":
      return view[name]?.toLowerCase() ?? "";
    default:
      return view[name] ?? "";
  }
}

function date(text: string | null): string | null {
  return text && DATE.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
}
