// What the lists below the rankings can be filtered by, and the note about filters that they cannot take.

import { nameOf, type Dimension } from "./dimensions.ts";
import { el } from "./dom.ts";
import { onlyValue, type Filter, type Filters } from "./filters.ts";
import type { Names } from "./names.ts";
import type { Click } from "./queries.ts";

/** The arguments of a list's filter by dimension. Each takes one value that its items must have. */
export type Fields = Partial<Record<Dimension, string>>;

export const OWNERS: Fields = { PROGRAM: "programId", PARTNER: "partnerId" };
export const CONVERSIONS: Fields = { ...OWNERS, LINK: "referralLinkId" };
export const CLICKS: Fields = {
  ...CONVERSIONS,
  ...{ LANDING_PAGE: "landingPage", REFERRER_HOST: "referrerHost" },
  ...{ COUNTRY: "country", DEVICE_TYPE: "deviceType", OS: "os", BROWSER: "browser" },
  ...{ UTM_SOURCE: "utmSource", UTM_MEDIUM: "utmMedium", UTM_CAMPAIGN: "utmCampaign" },
  ...{ UTM_TERM: "utmTerm", UTM_CONTENT: "utmContent" },
  ...{ SUB1: "sub1", SUB2: "sub2", SUB3: "sub3", SUB4: "sub4", SUB5: "sub5" },
};
/** Dimensions whose values the API compares in any case. */
const IN_ANY_CASE: readonly Dimension[] = ["COUNTRY", "DEVICE_TYPE", "REFERRER_HOST"];

/** Return a list's filter, as far as it can take those of the view. */
export function listFilter(filters: Filters, fields: Fields): Record<string, string> {
  const pairs = Object.entries(fields) as [Dimension, string][];
  return Object.fromEntries(
    pairs.flatMap(([dimension, field]) => {
      const value = onlyValue(filters, dimension);
      return value === null ? [] : [[field, value]];
    }),
  );
}

/** Return the filters that a list cannot take. */
export function untaken(filters: Filters, fields: Fields): Filter[] {
  return filters.filter(({ dimension }) => !(dimension in fields && onlyValue(filters, dimension) !== null));
}

/** Return whether a new click belongs to the list of clicks. */
export function isListed(click: Click, filters: Filters): boolean {
  return (Object.entries(CLICKS) as [Dimension, string][]).every(([dimension, field]) => {
    const value = onlyValue(filters, dimension);
    return value === null || folded(dimension, valueIn(click, dimension, field)) === folded(dimension, value);
  });
}

/** A note below a list's heading that says which filters it does not apply. */
export class FiltersNote {
  readonly element = el("p", { class: "note untaken", hidden: true });

  /** `what` is listed, in the plural. */
  constructor(private readonly what: string) {}

  show(left: Filters, names: Names): void {
    const listed = left.flatMap((filter, at) => {
      const [start, value] = names.sentence(filter, nameOf(filter.dimension));
      return [at ? ", “" : "“", `${start} `, el("bdi", {}, value), "”"];
    });
    this.element.hidden = !left.length;
    this.element.replaceChildren("This list cannot be filtered by ", ...listed, `, so it has other ${this.what}, too.`);
  }
}

function valueIn(click: Click, dimension: Dimension, field: string): string | null {
  switch (dimension) {
    case "LINK":
      return click.referralLink?.id ?? null;
    case "PARTNER":
      return click.partner.id;
    case "PROGRAM":
      return click.program.id;
  }
  return click[field as keyof Click] as string | null;
}

function folded(dimension: Dimension, value: string | null): string | null {
  return IN_ANY_CASE.includes(dimension) ? (value?.toLowerCase() ?? null) : value;
}
