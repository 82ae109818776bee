// A list that is read page by page: links, partners or customers.

import type { Page } from "../api/queries.ts";
import { el, withRoles } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import { number } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Asked, Columns } from "../view/asked.ts";
import type { Filters } from "../view/filters.ts";
import type { Sortings } from "../view/list-sorts.ts";
import type { View } from "../view/view.ts";
import { ListFile, type Listed } from "./list-file.ts";
import { FiltersNote } from "./list-filters.ts";
import { Pager, type Position } from "./pager.ts";
import { heading, type Sorted } from "./sort-heading.ts";

/** The heading of a column, and what is below it. */
export type Heading = readonly [string, "name" | "count" | "money" | "date"];

export interface ListKind<Item> {
  title: string;
  /** What is listed, in the singular and in the plural. */
  words: readonly [string, string];
  /** Likewise, where it depends on what was asked. */
  tally?: (asked: Asked) => readonly [string, string];
  /** The class of the table. */
  name: string;
  columns: (columns: Columns) => Heading[];
  row: (item: Item, asked: Asked) => HTMLElement;
  read: (position: Position, asked: Asked) => Promise<Page<Item>>;
  /** What headings sort by, and what they call. */
  sorting?: { sorts: Sortings; choose: (patch: Pick<View, "sort">) => void };
  /** The filters that the list cannot take. */
  untaken: (filters: Filters) => Filters;
  /** What is said of an empty list. */
  empty: (asked: Asked) => string;
  /** What the list can be searched by, and so on. */
  tools: HTMLElement;
  /** Buttons for changes. */
  buttons?: readonly HTMLElement[];
  /** The file of all rows: the list's name among the exports, the file's name, and which rows are in it. */
  file?: { list: string; name: (asked: Asked) => string; filter: (asked: Asked) => Record<string, unknown> };
}

const SIZE = 20;
const CLASSES: Record<Heading[1], string> = { name: "", count: "number count", money: "number amount", date: "date" };

export class ListPanel<Item> {
  readonly element: HTMLElement;
  items: Item[] = [];
  private asked: Asked | null = null;
  private turn = 0;
  private drawn = "";
  private readonly head = el("thead");
  private readonly body = el("tbody");
  private readonly table: HTMLTableElement;
  private readonly empty = el("p", { class: "empty", hidden: true });
  private readonly count = el("p", { class: "tally", role: "status" });
  private readonly note: FiltersNote;
  private readonly pager: Pager;

  constructor(
    private readonly kind: ListKind<Item>,
    private readonly onError: (error: unknown) => void,
  ) {
    const { title, words, name, tools } = kind;
    this.table = el("table", { class: `stacked figures ${name}`, hidden: true }, this.head, this.body);
    this.note = new FiltersNote(words[1]);
    this.pager = new Pager(SIZE, `Pages of ${words[1]}`, () => this.move(), ["Previous", "Next"]);
    const file = kind.file && new ListFile(title.toLowerCase(), () => this.listed(), onError);
    const content = [file?.status, tools, this.note.element, this.table, this.empty, this.pager.element];
    this.element = panel(title, { note: this.count, file: file?.button, tools: kind.buttons }, ...content);
    // It gets the focus of a row that is gone.
    this.element.tabIndex = -1;
  }

  /** Load the first page with `fromStart`, and otherwise the page that is shown as it is now. */
  async load(asked: Asked, fromStart: boolean): Promise<void> {
    this.asked = asked;
    if (fromStart) this.pager.toStart();
    await this.fetchPage(asked);
  }

  private listed(): Listed | null {
    const { file } = this.kind;
    if (!file || !this.asked) return null;
    return { list: file.list, name: file.name(this.asked), filter: file.filter(this.asked), signal: this.asked.signal };
  }

  private move(): void {
    if (this.asked) void this.fetchPage(this.asked).catch(this.onError);
  }

  private async fetchPage(asked: Asked): Promise<void> {
    const mine = ++this.turn;
    const page = await this.kind.read(this.pager.variables, asked);
    // The user has requested another page in the meantime.
    if (mine !== this.turn) return;
    this.items = page.nodes;
    this.pager.accept(page.pageInfo, !page.nodes.length);
    this.draw(asked, page.totalCount);
  }

  private draw(asked: Asked, total: number): void {
    const [one, many] = this.kind.tally?.(asked) ?? this.kind.words;
    const drawn = JSON.stringify([this.items, asked.view, asked.columns]);
    this.count.textContent = `${number(total)} ${total === 1 ? one : many}`;
    this.note.show(this.kind.untaken(asked.view.filters), asked.names);
    // What has not changed stays, with what buttons say after a press.
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const rows = this.items.map((item) => this.kind.row(item, asked));
    const redraw = () => {
      this.head.replaceChildren(this.headings(asked));
      this.body.replaceChildren(...rows);
    };
    keepingFocus(this.table, redraw, this.element);
    withRoles(this.table).hidden = !this.items.length;
    this.empty.textContent = this.kind.empty(asked);
    this.empty.hidden = !this.table.hidden;
  }

  private headings({ columns, view }: Asked): HTMLElement {
    const { sorting } = this.kind;
    const choose = (sort: string) => sorting?.choose({ sort });
    const sorted: Sorted | null = sorting ? { sorts: sorting.sorts, sort: view.sort, choose } : null;
    const heads = this.kind.columns(columns).map(([name, kind]) => heading(name, CLASSES[kind], name, sorted));
    return el("tr", {}, ...heads);
  }
}
