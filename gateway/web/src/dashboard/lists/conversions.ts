// Sales, refunds, leads and commissions: one list at a time, page by page.

import { ask, present } from "../api/api.ts";
import type { Commission, ListData, Origin } from "../api/conversion-queries.ts";
import { Choice, Segments } from "../controls/fields.ts";
import { STATUS_WORDS } from "../parts/commission-states.ts";
import { el, withRoles, type Child } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import { dateTime } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Asked, Columns } from "../view/asked.ts";
import { HAPPENED_SORTS, isAscending, sortingOf } from "../view/list-sorts.ts";
import type { Desk } from "../view/section.ts";
import type { List, View } from "../view/view.ts";
import { CommissionPicks } from "./commission-picks.ts";
import { LISTS, type Cell, type Kind } from "./conversion-lists.ts";
import { ListFile, type Listed } from "./list-file.ts";
import { CONVERSIONS, FiltersNote, untaken } from "./list-filters.ts";
import { Pager } from "./pager.ts";
import { SearchField } from "./search-field.ts";
import { SortChoice } from "./sort-choice.ts";
import { heading, type Sorted } from "./sort-heading.ts";

const PAGE = 10;
/** What is approved and rejected in bulk comes in larger pages. */
const BULK_PAGE = 50;
const WORDS: Record<List, string> = { sales: "Sales", refunds: "Refunds", leads: "Leads", commissions: "Commissions" };

export class ConversionsPanel {
  readonly element: HTMLElement;
  private asked: Asked | null = null;
  private shown: Origin[] = [];
  private turn = 0;
  private readonly lists = new Segments<List>("List", WORDS, (list) => this.desk.choose({ list, status: null, search: "" }));
  private readonly status = new Choice("Status", (value) => this.desk.choose({ status: (value || null) as View["status"] }));
  private readonly search = new SearchField("Order", (search) => this.desk.choose({ search }));
  /** All lists are sorted by their times, which have the same names. */
  private readonly sort = new SortChoice(HAPPENED_SORTS, (patch) => this.desk.choose(patch));
  private readonly head = el("thead");
  private readonly body = el("tbody");
  private readonly table = el("table", { class: "stacked listed conversions", hidden: true }, this.head, this.body);
  private readonly empty = el("p", { class: "empty", hidden: true });
  private readonly picks: CommissionPicks | null;
  private readonly note = new FiltersNote("conversions");
  private readonly pager = new Pager(PAGE, "Pages of conversions", () => this.reload());

  constructor(private readonly desk: Desk) {
    this.picks = desk.isPartner ? null : new CommissionPicks(desk);
    this.status.offer([["", "All"], ...Object.entries(STATUS_WORDS)]);
    const choices = [this.lists.element, this.status.element, this.search.element, this.sort.element];
    const file = new ListFile("conversions", () => this.listed(), desk.fail);
    const content = [file.status, el("search", { class: "choices" }, ...choices), this.note.element, this.picks?.element, this.table, this.empty, this.pager.element];
    this.element = panel("Conversions", { note: file.button }, ...content);
    // It gets the focus of a row that is gone.
    this.element.tabIndex = -1;
  }

  /** Load the first page if it is the one shown, and with `fromStart` in any case. */
  async load(asked: Asked, fromStart: boolean): Promise<void> {
    const { list, status, who, search, sort } = asked.view;
    this.asked = asked;
    // Conversions follow from clicks of people, so a report about bots has none to list.
    this.element.hidden = who === "bots";
    this.lists.select(list);
    this.status.element.hidden = list !== "commissions";
    this.status.select(status ?? "");
    this.search.element.hidden = list !== "sales";
    this.search.show(search);
    this.sort.show(asked.view);
    this.pager.nameTimes(isAscending(LISTS[list].sorts, sort));
    this.pager.resize(this.picks && list === "commissions" ? BULK_PAGE : PAGE);
    if (fromStart) this.pager.toStart();
    if (this.pager.isAtStart && !this.element.hidden) await this.fetchPage(asked);
  }

  private reload(): void {
    if (this.asked) void this.fetchPage(this.asked).catch(this.desk.fail);
  }

  private async fetchPage({ view, span, columns, names, signal }: Asked): Promise<void> {
    const mine = ++this.turn;
    const kind = LISTS[view.list];
    const { field, direction } = sortingOf(kind.sorts, view.sort);
    const order = { field, direction };
    const variables = { ...this.pager.variables, filter: kind.filter(view, span), order, isOwner: columns.partner };
    const { list } = await ask<ListData<Origin>>(kind.query, variables, signal);
    // The user has requested another page or list in the meantime.
    if (mine !== this.turn) return;
    const page = present(list);
    this.shown = page.nodes;
    this.pager.accept(page.pageInfo, !page.nodes.length);
    this.draw(kind, view, columns);
    this.note.show(untaken(view.filters, CONVERSIONS), names);
    this.empty.textContent = nothing(kind, view);
  }

  private draw(kind: Kind<Origin>, { zone, sort }: View, columns: Columns): void {
    const commissions = kind === LISTS.commissions ? (this.shown as Commission[]) : null;
    this.picks?.show(commissions);
    const box = (item: Origin) => commissions && this.picks?.box(item as Commission);
    const rows = this.shown.map((item) => row(kind, item, zone, columns, box(item)));
    const sorted = { sorts: kind.sorts, sort, choose: (chosen: string) => this.desk.choose({ sort: chosen }) };
    const redraw = () => {
      this.head.replaceChildren(header(kind, columns, sorted));
      this.body.replaceChildren(...rows);
    };
    keepingFocus(this.table, redraw, this.element);
    this.picks?.tell();
    withRoles(this.table).hidden = !this.shown.length;
    this.empty.hidden = !this.table.hidden;
  }

  private listed(): Listed | null {
    if (!this.asked) return null;
    const { view, span, signal } = this.asked;
    const name = `${view.list}-${span.days.join("-to-")}.csv`;
    return { list: view.list, name, filter: LISTS[view.list].filter(view, span), signal };
  }
}

function nothing({ title }: Kind<Origin>, { list, status, search }: View): string {
  if (list === "sales" && search) return "No sale has this order.";
  const which = list === "commissions" && status ? `${STATUS_WORDS[status].toLowerCase()} ` : "";
  return `No ${which}${title.toLowerCase()} in this period.`;
}

function visible(kind: Kind<Origin>, columns: Columns): Kind<Origin>["columns"] {
  return kind.columns.filter((column) => columns.partner || !column.isOwners);
}

function header(kind: Kind<Origin>, columns: Columns, sorted: Sorted): HTMLElement {
  const names = ["Time", "Link", ...(columns.partner ? ["Partner"] : []), ...(columns.program ? ["Program"] : [])];
  const own = visible(kind, columns).map(({ name, isNumber }) => heading(name, isNumber ? "number" : false, name, sorted));
  return el("tr", {}, ...names.map((name) => heading(name, false, name, sorted)), ...own);
}

function row(kind: Kind<Origin>, item: Origin, zone: string, columns: Columns, box: Child): HTMLElement {
  const at = kind.at(item);
  return el(
    "tr",
    { "data-item": item.id },
    el("th", { scope: "row", class: box ? "picked" : false }, box, el("time", { datetime: at }, dateTime(at, zone))),
    cell("Link", { text: item.referralLink?.code }),
    columns.partner && cell("Partner", { text: item.partner?.name }),
    columns.program && cell("Program", { text: item.program.name }),
    ...visible(kind, columns).map((column) => cell(column.name, column.cell(item, zone), column.isNumber)),
  );
}

function cell(label: string, { text, note, title, isWhole }: Cell, isNumber = false): HTMLElement {
  const line = el("span", { class: !isWhole && "cut", dir: "auto", title: title ?? (isWhole ? false : text) ?? false }, text || "–");
  const second = note && el("small", { title: title ?? false }, note);
  return el("td", { "data-label": label, class: isNumber && "number" }, el("div", {}, line, second));
}
