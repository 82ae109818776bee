// The panel with two dimensions against each other: the choice of both, the table, its pages, and its CSV file.

import { Failed, ask, present } from "./api.ts";
import type { Asked } from "./clicks.ts";
import { ROWS, axisOf, headsOperation, inOrder, type Axis, type HeadsData } from "./cross-axes.ts";
import { cellsIn, cellsOperation } from "./cross-cells.ts";
import { CrossFile } from "./cross-file.ts";
import { labelsOf, type Figure } from "./cross-figures.ts";
import { crossTable, type CrossTable, type Press } from "./cross-view.ts";
import { DIMENSIONS, nameOf, type Dimension } from "./dimensions.ts";
import { el } from "./dom.ts";
import { Choice } from "./fields.ts";
import { keepingFocus } from "./focus.ts";
import { number, time } from "./format.ts";
import { panel } from "./panel.ts";
import { upTo } from "./spans.ts";
import type { View } from "./view.ts";

export class CrossPanel {
  readonly element: HTMLElement;
  private asked: Asked | null = null;
  /** The cursors of the pages up to the one that is shown. */
  private pages: (string | null)[] = [null];
  private next: string | null = null;
  private turn = 0;
  private readonly rows = new Choice("Rows", (value) => this.change({ rows: value as Dimension }));
  private readonly columns = new Choice("Columns", (value) => this.change({ columns: value as Dimension }));
  private readonly figure = new Choice("Figure", (value) => this.change({ figure: value as Figure }));
  private readonly table = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Cross table" });
  private readonly empty = el("p", { class: "empty", hidden: true });
  private readonly where = el("span", { class: "where" });
  private readonly back = el("button", { type: "button", onclick: () => this.move(this.pages.slice(0, -1)) }, "Previous rows");
  private readonly forth = el("button", { type: "button", onclick: () => this.move([...this.pages, this.next]) }, "Next rows");
  private readonly pager = el("nav", { class: "pager", "aria-label": "Pages of the cross table" }, this.back, this.forth, this.where);
  private readonly file = new CrossFile((error) => this.onError(error));

  constructor(
    private readonly choose: (patch: Partial<View>) => void,
    private readonly press: Press,
    private readonly onError: (error: unknown) => void,
  ) {
    const note = el("div", { class: "choices" }, this.rows.element, this.columns.element, this.figure.element);
    const content = [note, this.table, this.empty, this.pager, this.file.status];
    this.element = panel("Cross table", { note: this.file.button }, ...content);
    this.element.classList.add("crossing");
  }

  /** Show the first page of a view, or with `isNew` false the page that is shown as it is now. */
  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.asked = asked;
    this.file.offer(asked);
    if (isNew) this.pages = [null];
    this.showChoices(asked.view);
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

  private move(pages: (string | null)[]): void {
    this.pages = pages;
    if (this.asked) void this.fetchPage(this.asked).catch(this.onError);
  }

  private async fetchPage(asked: Asked): Promise<void> {
    const mine = ++this.turn;
    this.element.setAttribute("aria-busy", "true");
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
    this.where.textContent = `Rows ${number(first + 1)} to ${number(first + rows.heads.length)} of ${number(totalRows)}`;
    [this.table.hidden, this.empty.hidden] = [false, true];
    this.pager.hidden = totalRows <= ROWS;
    this.back.disabled = this.pages.length === 1;
    this.forth.disabled = next === null;
  }

  private say(words: string): void {
    this.empty.textContent = words;
    this.empty.hidden = false;
    this.table.hidden = this.pager.hidden = true;
  }
}

interface Found {
  table: CrossTable;
  totalRows: number;
  next: string | null;
  asOf: string;
}

async function read({ view, span, signal }: Asked, after: string | null): Promise<Found> {
  const heads = headsOperation(view, span, after);
  const report = present((await ask<HeadsData>(heads.query, heads.variables, signal)).report);
  const [rows, columns] = [axisOf(view.rows, report.rows), inOrder(axisOf(view.columns, report.columns))];
  // The cells and the totals count the same clicks, though others arrive meanwhile.
  const operation = cellsOperation(view, upTo(span, report.dataAsOf), rows, columns);
  const data = await ask<Record<string, unknown>>(operation.query, operation.variables, signal);
  return {
    table: { rows, columns, cells: cellsIn(data, view, rows, columns) },
    totalRows: report.rows.totalCount,
    next: report.rows.pageInfo.hasNextPage ? report.rows.pageInfo.endCursor : null,
    asOf: report.dataAsOf,
  };
}

function captionOf({ figure, who }: View, rows: Axis, columns: Axis): string {
  const label = labelsOf(who).find(([each]) => each === figure)![1];
  return `${label} by ${nameOf(rows.dimension).toLowerCase()} and ${nameOf(columns.dimension).toLowerCase()}`;
}
