// What a list is searched for by, and sorted by.

import { el } from "../parts/dom.ts";
import type { Sortings } from "../view/list-sorts.ts";
import type { View } from "../view/view.ts";
import { SearchField } from "./search-field.ts";
import { SortChoice } from "./sort-choice.ts";

export class ListTools {
  readonly element: HTMLElement;
  private readonly field: SearchField;
  private readonly sort: SortChoice;

  /** `hint` says what is searched. `more` are further choices of the list. */
  constructor(
    hint: string,
    sorts: Sortings,
    choose: (patch: Partial<View>) => void,
    ...more: { element: HTMLElement }[]
  ) {
    this.field = new SearchField(hint, (search) => choose({ search }));
    this.sort = new SortChoice(sorts, choose);
    const choices = [...more.map(({ element }) => element), this.sort.element];
    this.element = el("search", { class: "choices" }, this.field.element, ...choices);
  }

  show(view: View): void {
    this.field.show(view.search);
    this.sort.show(view);
  }
}
