// The choice of a list's order. On phones, which show no headings, it is the only way to sort.

import { Choice } from "../controls/fields.ts";
import { chosenSort, sortingOf, type Sortings } from "../view/list-sorts.ts";
import type { View } from "../view/view.ts";

export class SortChoice {
  readonly element: HTMLElement;
  private readonly choice: Choice;

  constructor(
    private readonly sorts: Sortings,
    choose: (patch: Pick<View, "sort">) => void,
  ) {
    this.choice = new Choice("Sort by", (sort) => choose({ sort: chosenSort(sorts, sort) }));
    this.choice.offer(Object.entries(sorts).map(([name, { words }]) => [name, words]));
    this.element = this.choice.element;
  }

  show({ sort }: View): void {
    const chosen = sortingOf(this.sorts, sort);
    this.choice.select(Object.keys(this.sorts).find((name) => this.sorts[name] === chosen)!);
  }
}
