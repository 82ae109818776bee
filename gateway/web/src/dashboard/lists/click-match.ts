// Whether a click that has just arrived meets the filters of the view, as the API decides for lists.

import type { Click } from "../api/queries.ts";
import type { Dimension } from "../view/dimensions.ts";
import { conditionsOf } from "../view/filters.ts";
import type { View } from "../view/view.ts";

/** Dimensions whose values the API compares in any case. */
const IN_ANY_CASE: readonly Dimension[] = ["COUNTRY", "DEVICE_TYPE", "REFERRER_HOST"];
/** So much of a referring page tells it from others. */
const PAGE_LENGTH = 512;

/** Return whether a new click belongs to the list of clicks. */
export function isListed(click: Click, { filters, zone }: View): boolean {
  return conditionsOf(filters).every((condition) => {
    const { dimension } = condition;
    const value = valueIn(click, dimension, zone);
    if ("isKnown" in condition) return (value !== null) === condition.isKnown;
    const isOneOf = (values: string[]) => values.some((each) => folded(dimension, each) === folded(dimension, value));
    return "in" in condition ? isOneOf(condition.in) : !isOneOf(condition.notIn);
  });
}

/** Return a click's value in a dimension, as a filter has it. */
function valueIn(click: Click, dimension: Dimension, zone: string): string | null {
  switch (dimension) {
    case "LINK":
      return click.referralLink?.id ?? null;
    case "PARTNER":
      return click.partner.id;
    case "PROGRAM":
      return click.program.id;
    case "HOUR_OF_DAY":
      return timeOf(click, zone, { hour: "2-digit" });
    case "DAY_OF_WEEK":
      return timeOf(click, zone, { weekday: "long" }).toUpperCase();
    case "REFERRER":
      return [...(click.referrerUrl ?? "").split(/[?#]/)[0]!].slice(0, PAGE_LENGTH).join("") || null;
  }
  const field = dimension.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return (click[field as keyof Click] as string | null) || null;
}

function timeOf({ occurredAt }: Click, zone: string, part: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...part }).format(new Date(occurredAt));
}

function folded(dimension: Dimension, value: string | null): string | null {
  return IN_ANY_CASE.includes(dimension) ? (value?.toLowerCase() ?? null) : value;
}
