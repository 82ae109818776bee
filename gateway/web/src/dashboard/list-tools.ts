// What a list is searched for by, and sorted by.

import { el, freshId } from "./dom.ts";
import { Choice } from "./fields.ts";
import type { Sorting } from "./list-sorts.ts";
import { sortingOf } from "./list-sorts.ts";
import type { View } from "./view.ts";

/** The pause after which a text that is being typed is searched for. */
const TYPING_MS = 300;

export class ListTools {
  readonly element: HTMLElement;
  private typing: number | undefined;
  private readonly field: HTMLInputElement;
  private readonly sort: Choice;

  /** `hint` says what is searched. `more` are further choices of the list. */
  constructor(
    hint: string,
    private readonly sorts: Record<string, Sorting>,
    private readonly choose: (patch: Partial<View>) => void,
    ...more: Choice[]
  ) {
    const id = freshId();
    const search = () => this.search();
    const soon = () => {
      clearTimeout(this.typing);
      this.typing = window.setTimeout(search, TYPING_MS);
    };
    this.field = el("input", { id, type: "search", placeholder: hint, autocomplete: "off", maxlength: 100, dir: "auto", oninput: soon, onchange: search });
    this.sort = new Choice("Sort by", (sort) => choose({ sort: sort === Object.keys(sorts)[0] ? "" : sort }));
    this.sort.offer(Object.entries(sorts).map(([name, { words }]) => [name, words]));
    const box = el("div", { class: "choice-field search" }, el("label", { for: id }, "Search"), this.field);
    this.element = el("search", { class: "choices" }, box, ...more.map(({ element }) => element), this.sort.element);
  }

  show({ search, sort }: View): void {
    // What is being typed is newer than what was found.
    if (this.typing === undefined) this.field.value = search;
    const chosen = sortingOf(this.sorts, sort);
    this.sort.select(Object.keys(this.sorts).find((name) => this.sorts[name] === chosen)!);
  }

  private search(): void {
    if (this.typing === undefined) return;
    clearTimeout(this.typing);
    this.typing = undefined;
    this.choose({ search: this.field.value.trim() });
  }
}
