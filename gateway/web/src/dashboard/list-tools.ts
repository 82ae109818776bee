// What a list is searched for by, and sorted by.

import { el } from "./dom.ts";
import { Choice } from "./fields.ts";
import { chosenSort, sortingOf, type Sortings } from "./list-sorts.ts";
import { SearchField } from "./search-field.ts";
import type { View } from "./view.ts";

export class ListTools {
  readonly element: HTMLElement;
  private readonly field: SearchField;
  private readonly sort: Choice;

  /** `hint` says what is searched. `more` are further choices of the list. */
  constructor(
    hint: string,
    private readonly sorts: Sortings,
    choose: (patch: Partial<View>) => void,
    ...more: Choice[]
  ) {
    this.field = new SearchField(hint, (search) => choose({ search }));
    this.sort = new Choice("Sort by", (sort) => choose({ sort: chosenSort(sorts, sort) }));
    this.sort.offer(Object.entries(sorts).map(([name, { words }]) => [name, words]));
    const choices = [...more.map(({ element }) => element), this.sort.element];
    this.element = el("search", { class: "choices" }, this.field.element, ...choices);
  }

  show({ search, sort }: View): void {
    this.field.show(search);
    const chosen = sortingOf(this.sorts, sort);
    this.sort.select(Object.keys(this.sorts).find((name) => this.sorts[name] === chosen)!);
  }
}
