// The panel with two dimensions against each other: the choice of both, the table, its pages, and its CSV file.

import { Failed } from "../api/api.ts";
import { Choice } from "../controls/fields.ts";
import { PagedFile } from "../lists/paged-file.ts";
import { el } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import { number, time } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Asked } from "../view/asked.ts";
import type { Press } from "../view/chosen.ts";
import { labelsOf, type Figure } from "../view/cross-figures.ts";
import { DIMENSIONS, nameOf, type Dimension } from "../view/dimensions.ts";
import type { View } from "../view/view.ts";
import { ROWS } from "./cross-axes.ts";
import { allPairs } from "./cross-csv.ts";
import { captionOf, read, type Found } from "./cross-report.ts";
import { crossTable } from "./cross-view.ts";

/** The shortest time between two readings while clicks arrive. Each takes a dozen questions. */
const PAUSE_MS = 30_000;
const CELLS = "Cells of the cross table";

export class CrossPanel {
  readonly element: HTMLElement;
  private asked: Asked | null = null;
  /** The cursors of the pages up to the one that is shown. */
  private pages: (string | null)[] = [null];
  private next: string | null = null;
  private turn = 0;
  private readAt = -Infinity;
  private readonly rows = new Choice("Rows", (value) => this.change({ rows: value as Dimension }));
  private readonly columns = new Choice("Columns", (value) => this.change({ columns: value as Dimension }));
  private readonly figure = new Choice("Figure", (value) => this.change({ figure: value as Figure }));
  // Hidden while there is nothing in it: an empty region would be a stop of the Tab key.
  private readonly table = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": CELLS, hidden: true });
  private readonly empty = el("p", { class: "empty", hidden: true });
  private readonly where = el("span", { class: "where" });
  private readonly back = this.button("Previous rows", () => this.pages.slice(0, -1));
  private readonly forth = this.button("Next rows", () => [...this.pages, this.next]);
  private readonly pager: HTMLElement;
  private readonly file = new PagedFile(
    { of: "cross table", name: fileName, read: ({ view, span }, ...rest) => allPairs(view, span, ...rest) },
    (error) => this.onError(error),
  );

  constructor(
    private readonly choose: (patch: Partial<View>) => void,
    private readonly press: Press,
    private readonly onError: (error: unknown) => void,
  ) {
    const pages = { class: "pager", "aria-label": "Pages of the cross table", hidden: true };
    this.pager = el("nav", pages, this.back, this.forth, this.where);
    const note = el("div", { class: "choices" }, this.rows.element, this.columns.element, this.figure.element);
    const content = [note, this.table, this.empty, this.pager, this.file.status];
    this.element = panel("Cross table", { note: this.file.button }, ...content);
    this.element.classList.add("crossing");
  }

  /** What is shown is about to change. */
  wait(): void {
    this.element.setAttribute("aria-busy", "true");
  }

  /** Show the first page of a view. */
  async load(asked: Asked): Promise<void> {
    this.asked = asked;
    this.file.offer(asked);
    this.pages = [null];
    this.showChoices(asked.view);
    await this.fetchPage(asked);
  }

  /** Show a new view, or the page of the same one as it is now, unless that was read a moment ago. */
  async refresh(asked: Asked, isNew: boolean): Promise<void> {
    if (isNew) return this.load(asked);
    if (performance.now() < this.readAt + PAUSE_MS) return;
    this.asked = asked;
    this.file.offer(asked);
    await this.fetchPage(asked);
  }

  private change(patch: Partial<Pick<View, "rows" | "columns" | "figure">>): void {
    if (!this.asked) return;
    const { rows, columns } = this.asked.view;
    // A dimension against itself says nothing: they change places.
    if (patch.rows === columns) this.choose({ rows: columns, columns: rows });
    else if (patch.columns === rows) this.choose({ rows: columns, columns: rows });
    else this.choose(patch);
  }

  private showChoices({ rows, columns, figure, who }: View): void {
    const offered = DIMENSIONS.filter((each) => [rows, columns].includes(each) || this.isOffered(each));
    const pairs = offered.map((each): [string, string] => [each, nameOf(each)]);
    for (const [choice, value] of [[this.rows, rows], [this.columns, columns]] as const) {
      choice.offer(pairs);
      choice.select(value);
    }
    this.figure.offer(labelsOf(who));
    this.figure.select(figure);
  }

  private isOffered(dimension: Dimension): boolean {
    if (dimension === "PARTNER") return this.asked!.columns.partner;
    return dimension !== "PROGRAM" || this.asked!.columns.program;
  }

  private button(words: string, to: () => (string | null)[]): HTMLButtonElement {
    return el("button", { type: "button", onclick: () => this.move(to()) }, words);
  }

  private move(pages: (string | null)[]): void {
    this.pages = pages;
    if (this.asked) void this.fetchPage(this.asked).catch(this.onError);
  }

  private async fetchPage(asked: Asked): Promise<void> {
    const mine = ++this.turn;
    this.readAt = performance.now();
    this.wait();
    try {
      const found = await read(asked, this.pages.at(-1)!);
      if (mine === this.turn) this.show(asked.view, found);
    } catch (error) {
      // A table that takes too long to count is no reason to hide the rest of the page.
      if (!(error instanceof Failed) || mine !== this.turn) throw error;
      this.say(`This table could not be read: ${error.message}.`);
    }
    if (mine === this.turn) this.element.setAttribute("aria-busy", "false");
  }

  private show(view: View, { table, totalRows, next, asOf }: Found): void {
    const { rows, columns } = table;
    this.next = next;
    if (!rows.heads.length && !rows.others) return this.say("Nothing to show in this period.");
    const caption = `${captionOf(view, rows, columns)}, as of ${time(asOf, view.zone)}`;
    keepingFocus(this.element, () => this.table.replaceChildren(crossTable(table, caption, this.press)), this.table);
    const first = (this.pages.length - 1) * ROWS;
    const range = `Rows ${number(first + 1)} to ${number(first + rows.heads.length)} of ${number(totalRows)}`;
    this.where.textContent = `${range}, as of ${time(asOf, view.zone)}`;
    this.table.hidden = this.pager.hidden = false;
    this.empty.hidden = true;
    this.back.hidden = this.forth.hidden = totalRows <= ROWS;
    const focused = document.activeElement;
    this.back.disabled = this.pages.length === 1;
    this.forth.disabled = next === null;
    // A button that is disabled loses the focus.
    if ([this.back, this.forth].some((button) => button === focused && button.disabled)) this.table.focus();
  }

  private say(words: string): void {
    this.empty.textContent = words;
    this.empty.hidden = false;
    this.table.hidden = this.pager.hidden = true;
  }
}

function fileName({ view, span }: Asked): string {
  const kind = `${view.rows}-by-${view.columns}`.toLowerCase().replaceAll("_", "-");
  return `${kind}-${span.days.join("-to-")}.csv`;
}
