// The headings of columns that a list can be sorted by.

import { el, type Child } from "../parts/dom.ts";
import { chosenSort, sortingOf, type Sortings } from "../view/list-sorts.ts";

/** How a list is sorted, and what to call for another order, named as in the address. */
export interface Sorted {
  sorts: Sortings;
  sort: string;
  choose: (sort: string) => void;
}

/** Create a column's heading. If the list can be sorted by the column, called `column`, it is a button: a press sorts by
 * it, and another one the other way round. */
export function heading(content: Child, classes: string | false, column: string, sorted: Sorted | null): HTMLElement {
  const names = sorted ? Object.keys(sorted.sorts).filter((name) => sorted.sorts[name]!.column === column) : [];
  if (!sorted || !names.length) return el("th", { scope: "col", class: classes }, content);
  const chosen = sortingOf(sorted.sorts, sorted.sort);
  const at = names.findIndex((name) => sorted.sorts[name] === chosen);
  const next = names[(at + 1) % names.length]!;
  const attributes = {
    type: "button",
    class: "sort",
    "data-focus": `sort ${column}`,
    title: `Sort by: ${sorted.sorts[next]!.words}`,
    onclick: () => sorted.choose(chosenSort(sorted.sorts, next)),
  };
  const direction = at >= 0 && { ASC: "ascending", DESC: "descending" }[chosen.direction];
  return el("th", { scope: "col", class: classes, "aria-sort": direction }, el("button", attributes, content));
}
