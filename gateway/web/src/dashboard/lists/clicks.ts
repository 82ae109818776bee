// The table of clicks, page by page. New clicks appear at the top of the first page, unless the oldest come first.

import { ask, present } from "../api/api.ts";
import { CLICKS, type Click, type ClicksData } from "../api/queries.ts";
import { isBotIn } from "../charts/report-query.ts";
import { el, withRoles } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import { country, dateTime, device, place } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Asked, Columns } from "../view/asked.ts";
import { conditionsOf } from "../view/filters.ts";
import { HAPPENED_SORTS, isAscending, sortingOf } from "../view/list-sorts.ts";
import type { Span } from "../view/spans.ts";
import type { View } from "../view/view.ts";
import { ListFile, type Listed } from "./list-file.ts";
import { Pager } from "./pager.ts";
import { SortChoice } from "./sort-choice.ts";
import { heading, type Sorted } from "./sort-heading.ts";

const PAGE = 20;

export class ClicksPanel {
  readonly element: HTMLElement;
  private asked: Asked | null = null;
  private shown: Click[] = [];
  private fresh = new Set<string>();
  /** How many clicks have arrived while a page other than the first is shown. */
  private waiting = 0;
  private turn = 0;
  private readonly head = el("thead");
  private readonly body = el("tbody");
  private readonly table = el("table", { class: "stacked listed clicks", hidden: true }, this.head, this.body);
  private readonly empty = el("p", { class: "empty", hidden: true }, "No clicks in this period.");
  private readonly pager = new Pager(PAGE, "Pages of clicks", () => this.turnPage());
  private readonly news = el("button", { type: "button", hidden: true, onclick: () => this.showNews() });

  private readonly sort: SortChoice;

  constructor(
    private readonly choose: (patch: Pick<View, "sort">) => void,
    private readonly onError: (error: unknown) => void,
  ) {
    this.sort = new SortChoice(HAPPENED_SORTS, choose);
    const choices = el("div", { class: "choices" }, this.sort.element);
    const file = new ListFile("clicks", () => this.listed(), onError);
    const content = [file.status, choices, this.table, this.empty, this.pager.element];
    this.pager.element.append(this.news);
    this.element = panel("Clicks", { note: file.button }, ...content);
    // It gets the focus of a heading that is gone.
    this.element.tabIndex = -1;
  }

  /** Load the first page if it is the one shown, and with `fromStart` in any case. */
  async load(asked: Asked, fromStart: boolean): Promise<void> {
    this.asked = asked;
    this.sort.show(asked.view);
    this.pager.nameTimes(isAscending(HAPPENED_SORTS, asked.view.sort));
    if (fromStart) this.pager.toStart();
    if (this.pager.isAtStart) await this.fetchPage(asked);
  }

  /** Add new clicks at the top of the first page; on any other page, count them. Where the oldest come first, they belong
   * to the last page. */
  add(clicks: Click[]): void {
    if (!this.asked || isAscending(HAPPENED_SORTS, this.asked.view.sort)) return;
    const known = new Set(this.shown.map((click) => click.id));
    const unknown = clicks.filter((click) => !known.has(click.id));
    if (this.pager.isAtStart) {
      this.shown = [...unknown.reverse(), ...this.shown].slice(0, 2 * PAGE);
      this.fresh = new Set(unknown.map((click) => click.id));
    } else this.waiting += unknown.length;
    this.draw(this.asked);
  }

  private listed(): Listed | null {
    if (!this.asked) return null;
    const { view, span, signal } = this.asked;
    return { list: "clicks", name: `clicks-${span.days.join("-to-")}.csv`, filter: filterOf(view, span), signal };
  }

  private showNews(): void {
    this.pager.toStart();
    this.turnPage();
  }

  private turnPage(): void {
    this.fresh = new Set();
    if (this.asked) void this.fetchPage(this.asked).catch(this.onError);
  }

  private async fetchPage({ view, span, signal }: Asked): Promise<void> {
    const mine = ++this.turn;
    const { field, direction } = sortingOf(HAPPENED_SORTS, view.sort);
    const variables = { ...this.pager.variables, filter: filterOf(view, span), order: { field, direction } };
    const { clickEvents } = await ask<ClicksData>(CLICKS, variables, signal);
    // The user has requested another page in the meantime.
    if (mine !== this.turn || !this.asked) return;
    const page = present(clickEvents);
    this.shown = page.nodes;
    this.pager.accept(page.pageInfo, !page.nodes.length);
    if (this.pager.isAtStart) this.waiting = 0;
    this.draw(this.asked);
  }

  private draw({ columns, view }: Asked): void {
    const sorted = { sorts: HAPPENED_SORTS, sort: view.sort, choose: (sort: string) => this.choose({ sort }) };
    const redraw = () => {
      this.head.replaceChildren(header(columns, sorted));
      this.body.replaceChildren(...this.shown.map((click) => row(click, view.zone, columns, this.fresh.has(click.id))));
    };
    keepingFocus(this.table, redraw, this.element);
    withRoles(this.table).hidden = !this.shown.length;
    this.empty.hidden = !this.table.hidden;
    if (this.shown.length) this.pager.element.hidden = false;
    this.news.hidden = this.news.disabled = !this.waiting;
    this.news.textContent = `Show ${this.waiting} new ${this.waiting === 1 ? "click" : "clicks"}`;
  }
}

/** Return the filter that leaves the clicks that the reports of the view count. */
function filterOf(view: View, span: Span): Record<string, unknown> {
  return {
    occurredFrom: span.from,
    occurredTo: span.to,
    isBot: isBotIn(view),
    where: conditionsOf(view.filters),
    timezone: view.zone,
  };
}

function header(columns: Columns, sorted: Sorted): HTMLElement {
  const names = ["Time", "Link", ...(columns.partner ? ["Partner"] : []), ...(columns.program ? ["Program"] : [])];
  names.push("Page", "Referrer", "Location", "Browser");
  return el("tr", {}, ...names.map((name) => heading(name, false, name, sorted)));
}

function row(click: Click, zone: string, columns: Columns, isFresh: boolean): HTMLElement {
  const browser = [click.browser, click.os].filter(Boolean).join(", ") || device(click.deviceType ?? "");
  const land = click.country && country(click.country);
  const where = click.city ? [click.city, click.country].filter(Boolean).join(", ") : land;
  const cell = (label: string, text: string | null | undefined, title: string | null = null) =>
    el("td", { "data-label": label }, el("span", { class: "cut", dir: "auto", title: title ?? text ?? false }, text || "–"));
  return el(
    "tr",
    { class: isFresh ? "fresh" : false, "data-click": click.id },
    el("th", { scope: "row" }, el("time", { datetime: click.occurredAt }, dateTime(click.occurredAt, zone))),
    cell("Link", click.referralLink?.code),
    columns.partner && cell("Partner", click.partner.name),
    columns.program && cell("Program", click.program.name),
    cell("Page", place(click.pageUrl ?? click.affiliateUrl), click.pageUrl ?? click.affiliateUrl),
    cell("Referrer", click.referrerHost, click.referrerUrl),
    cell("Location", where, [click.city, land].filter(Boolean).join(", ")),
    click.isBot
      ? el("td", { "data-label": "Browser" }, el("span", { class: "cut" }, el("span", { class: "badge" }, "bot"), ` ${click.browser ?? ""}`))
      : cell("Browser", browser),
  );
}
