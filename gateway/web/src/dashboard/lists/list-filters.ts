// What lists of anything but clicks can be filtered by, and the note about filters that they cannot take.

import { el } from "../parts/dom.ts";
import { nameOf, type Dimension } from "../view/dimensions.ts";
import { onlyValue, type Filter, type Filters } from "../view/filters.ts";
import type { Names } from "../view/names.ts";

/** The arguments of a list's filter by dimension. Each takes one value that its items must have. */
export type Fields = Partial<Record<Dimension, string>>;

export const OWNERS: Fields = { PROGRAM: "programId", PARTNER: "partnerId" };
export const CONVERSIONS: Fields = { ...OWNERS, LINK: "referralLinkId" };

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
