// The whole ranking of a dimension, in place of the cards: searched, sorted and read page by page.

import { Failed } from "../api/api.ts";
import { PagedFile } from "../lists/paged-file.ts";
import { SearchField } from "../lists/search-field.ts";
import { heading } from "../lists/sort-heading.ts";
import { el } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import { number } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Asked } from "../view/asked.ts";
import { isTranslated, manyOf, nameOf, type Dimension } from "../view/dimensions.ts";
import { RANKING_SORTS, sortingOf } from "../view/list-sorts.ts";
import type { View } from "../view/view.ts";
import { fileOf } from "./ranking-file.ts";
import { readRows, type Found } from "./ranking-query.ts";
import type { Table } from "./ranking-table.ts";

const ROWS = 20;

/** What the ranking calls for another part of it, for its table, and to be closed. */
export interface FullActions {
  choose: (patch: Partial<View>) => void;
  table: Table;
  close: () => void;
  fail: (error: unknown) => void;
}

export class FullRanking {
  readonly element: HTMLElement;
  private turn = 0;
  private page = 1;
  private total = 0;
  private readonly many: string;
  private readonly search: SearchField;
  private readonly file: PagedFile;
  private readonly content = el("div", { class: "whole-rows", tabindex: "-1" });
  private readonly where = el("span", { class: "where", role: "status" });
  private readonly back = this.button("Previous", () => Math.min(this.page, this.pages + 1) - 1);
  private readonly forth = this.button("Next", () => this.page + 1);
  private readonly pager: HTMLElement;

  constructor(
    private readonly dimension: Dimension,
    private readonly actions: FullActions,
  ) {
    this.many = manyOf(dimension);
    this.search = new SearchField(`Search ${this.many}`, (find) => actions.choose({ find, page: 1 }));
    this.file = new PagedFile(fileOf(dimension), actions.fail);
    const label = `Pages of all ${this.many}`;
    this.pager = el("nav", { class: "pager", "aria-label": label, hidden: true }, this.back, this.forth, this.where);
    const tools = [el("button", { type: "button", onclick: actions.close }, "Back to rankings")];
    const search = el("search", { class: "choices" }, this.search.element);
    const content = [search, this.content, this.pager, this.file.status];
    this.element = panel(`All ${this.many}`, { note: this.file.button, tools }, ...content);
    this.element.classList.add("whole");
    this.element.tabIndex = -1;
  }

  /** Show the page of the view. */
  async load(asked: Asked): Promise<void> {
    const mine = ++this.turn;
    this.search.show(asked.view.find);
    this.file.offer(asked);
    this.element.setAttribute("aria-busy", "true");
    const { field, direction } = sortingOf(RANKING_SORTS, asked.view.order);
    const rows = { first: ROWS, offset: (asked.view.page - 1) * ROWS, order: { field, direction } };
    try {
      const found = await readRows(this.dimension, asked, asked.span, rows);
      if (mine === this.turn) this.show(asked.view, found);
    } catch (error) {
      // A ranking that takes too long to count is no reason to hide the rest of the page.
      if (!(error instanceof Failed)) throw error;
      if (mine === this.turn) this.say(`This ranking could not be read: ${error.message}.`);
    }
    if (mine === this.turn) this.element.setAttribute("aria-busy", "false");
  }

  private get pages(): number {
    return Math.ceil(this.total / ROWS);
  }

  private show(view: View, found: Found): void {
    [this.page, this.total] = [view.page, found.total ?? 0];
    if (found.shares.length) {
      const table = this.actions.table(this.dimension, found, view.filters, (columns) => this.headings(view, columns));
      keepingFocus(this.element, () => this.content.replaceChildren(table), this.content);
    } else this.say(this.emptiness(view));
    this.showPlace(found.shares.length);
  }

  private emptiness({ find }: View): string {
    if (this.total) return "There are fewer pages by now.";
    return find ? `No ${this.many} match.` : "None yet.";
  }

  private showPlace(shown: number): void {
    const first = (this.page - 1) * ROWS;
    const range = shown && shown < this.total ? `${number(first + 1)} to ${number(first + shown)} of ` : "";
    const words = this.total === 1 ? nameOf(this.dimension).toLowerCase() : this.many;
    this.where.textContent = `${range}${number(this.total)} ${words}`;
    this.pager.hidden = false;
    this.back.hidden = this.forth.hidden = this.pages <= 1 && this.page === 1;
    const focused = document.activeElement;
    this.back.disabled = this.page === 1;
    this.forth.disabled = this.page >= this.pages;
    // A button that is disabled loses the focus.
    if (focused === this.back && this.back.disabled) this.forth.focus();
    if (focused === this.forth && this.forth.disabled) this.back.focus();
  }

  private headings({ order }: View, columns: readonly (readonly [string, string])[]): HTMLElement[] {
    const choose = (chosen: string) => this.actions.choose({ order: chosen, page: 1 });
    const sorted = { sorts: RANKING_SORTS, sort: order, choose };
    // What is shown in other words would be sorted by its codes.
    const column = isTranslated(this.dimension) ? "" : "Name";
    const others = columns.map(([label, classes]) => heading(label, classes, label, sorted));
    return [heading(nameOf(this.dimension), false, column, sorted), ...others];
  }

  private say(words: string): void {
    keepingFocus(this.element, () => this.content.replaceChildren(el("p", { class: "empty" }, words)), this.content);
    this.pager.hidden = true;
  }

  private button(words: string, to: () => number): HTMLButtonElement {
    return el("button", { type: "button", onclick: () => this.actions.choose({ page: to() }) }, words);
  }
}
