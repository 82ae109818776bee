// The filters of the view: values of dimensions that clicks must or must not have.

import { dimensionCalled, hasIds, isValue, type Dimension } from "./dimensions.ts";

export interface Filter {
  dimension: Dimension;
  /** A text or an id; null for what is not known. */
  value: string | null;
  /** Leave these clicks out, instead of showing only these. */
  isOut: boolean;
}

export type Filters = readonly Filter[];
/** Whose clicks count. */
export type Who = "all" | "people" | "bots";
type Condition = { dimension: Dimension } & ({ in: string[] } | { notIn: string[] } | { isKnown: boolean });

/** The API takes 20 conditions, of which a table of two dimensions needs four. */
const MOST_CONDITIONS = 16;
/** The most values that the API takes in one condition. */
const MOST_VALUES = 100;
const IDS = { LINK: "referralLinkIds", PARTNER: "partnerIds", PROGRAM: "programIds" } as const;

/** Return the filter on a value, if there is one. */
export function filterOn(filters: Filters, dimension: Dimension, value: string | null): Filter | undefined {
  return filters.find((each) => each.dimension === dimension && each.value === value);
}

/** Show only clicks with this value, or with another one of the same dimension that is filtered by. */
export function including(filters: Filters, dimension: Dimension, value: string | null): Filter[] {
  return [...filters.filter((each) => !gives(each, dimension, value)), { dimension, value, isOut: false }];
}

export function without(filters: Filters, filter: Filter): Filter[] {
  return filters.filter((each) => each.dimension !== filter.dimension || each.value !== filter.value);
}

/** Return the filters after a press on one of them: it leaves out what it showed, then it goes. */
export function turned(filters: Filters, filter: Filter): Filter[] {
  if (filter.isOut) return without(filters, filter);
  return filters.map((each) => (each === filter ? { ...each, isOut: true } : each));
}

/** Return the one value that clicks must have in a dimension, if that is all that it is filtered by. */
export function onlyValue(filters: Filters, dimension: Dimension): string | null {
  const [first, ...others] = filters.filter((each) => each.dimension === dimension);
  return first && !others.length && !first.isOut ? first.value : null;
}

/** Return the filters without those that confine a dimension to some values, to see which other values there are. */
export function opened(filters: Filters, dimension: Dimension): Filter[] {
  return filters.filter((each) => each.dimension !== dimension || each.isOut);
}

/** Return the dimensions that are confined to some values. */
export function confined(filters: Filters): Dimension[] {
  return [...new Set(filters.filter((each) => !each.isOut).map((each) => each.dimension))];
}

export function conditionsOf(filters: Filters): Condition[] {
  return [...new Set(filters.map((each) => each.dimension))].flatMap((dimension) => {
    const of = filters.filter((each) => each.dimension === dimension);
    const values = (isOut: boolean) =>
      of.filter((each) => each.isOut === isOut).flatMap(({ value }) => (value === null ? [] : [value]));
    const unknown = of.find((each) => each.value === null);
    const found: Condition[] = [];
    if (values(false).length) found.push({ dimension, in: values(false) });
    if (values(true).length) found.push({ dimension, notIn: values(true) });
    if (unknown) found.push({ dimension, isKnown: unknown.isOut });
    return found;
  });
}

/** Return a `ClickReportFilter`. Lists of ids are apart from other conditions, because reports of them are faster. */
export function reportFilter(filters: Filters, isBot: boolean | null): Record<string, unknown> & { where: Condition[] } {
  const conditions = conditionsOf(filters);
  const listed = conditions.flatMap((each) => ("in" in each && hasIds(each.dimension) ? [each] : []));
  const ids = listed.map((each) => [IDS[each.dimension as keyof typeof IDS], each.in] as const);
  const where = conditions.filter((each) => !listed.includes(each as (typeof listed)[number]));
  return { isBot, ...Object.fromEntries(ids), where };
}

/** Return whether the API accepts so many filters at once. */
export function areFew(filters: Filters): boolean {
  const conditions = conditionsOf(filters);
  const lengths = conditions.map((each) => ("in" in each ? each.in : "notIn" in each ? each.notIn : []).length);
  return conditions.length <= MOST_CONDITIONS && Math.max(0, ...lengths) <= MOST_VALUES;
}

/** Return a filter as it is in the address, such as `is.country` and `DE`. Unknown is an empty text. */
export function parameterOf({ dimension, value, isOut }: Filter): [string, string] {
  return [`${isOut ? "not" : "is"}.${dimension.toLowerCase()}`, value ?? ""];
}

/** Add a parameter of an address to the filters. Returns null for one that is no filter, or one too many. */
export function withParameter(filters: Filters, name: string, value: string): Filter[] | null {
  const [, way, called] = /^(is|not)\.(.+)$/.exec(name) ?? [];
  const dimension = called ? dimensionCalled(called) : null;
  if (!dimension || (value ? !isValue(dimension, value) : hasIds(dimension))) return null;
  const filter = { dimension, value: value || null, isOut: way === "not" };
  const kept = filter.isOut ? [...without(filters, filter), filter] : including(filters, dimension, filter.value);
  return areFew(kept) ? kept : null;
}

/** Return whether a filter gives way to a new one: the same value, or what cannot hold together with it. */
function gives(filter: Filter, dimension: Dimension, value: string | null): boolean {
  if (filter.dimension !== dimension) return false;
  return filter.value === value || (!filter.isOut && (filter.value === null || value === null));
}
