// How pressed values change the filters of a view.

import type { Chosen } from "./chosen.ts";
import { hasIds } from "./dimensions.ts";
import { filterOn, including, without, type Filter, type Filters } from "./filters.ts";
import type { Names } from "./names.ts";

/** Show only clicks with these values, too. Their names are remembered, as the address has only ids. */
export function confinedTo(filters: Filters, chosen: readonly Chosen[], names: Names): Filter[] {
  return chosen.reduce<Filter[]>(
    (found, { dimension, value, words }) => {
      if (value !== null && hasIds(dimension)) names.remember(value, words);
      return including(found, dimension, value);
    },
    [...filters],
  );
}

/** Add a filter on a value that was pressed, or remove it. */
export function afterPress(filters: Filters, pressed: Chosen, names: Names): Filter[] {
  const filter = filterOn(filters, pressed.dimension, pressed.value);
  return filter ? without(filters, filter) : confinedTo(filters, [pressed], names);
}
