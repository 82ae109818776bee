// The latest clicks, a page at a time; on the first page new ones appear on top.

import { ask } from "./api.ts";
import { download } from "./csv.ts";
import { el, withRoles } from "./dom.ts";
import { capitalised, country, dateTime, place } from "./format.ts";
import { panel } from "./panel.ts";
import { CLICKS, type Click, type ClicksData, type PageInfo } from "./queries.ts";
import type { Span } from "./spans.ts";
import type { View } from "./view.ts";

const PAGE = 20;

type Position = { first: number; after?: string | null } | { last: number; before: string | null };
const START: Position = { first: PAGE };

export interface Columns {
  partner: boolean;
  program: boolean;
}

export interface ClicksPanel {
  element: HTMLElement;
  /** Show the page that is shown anew; with `fromStart`, the first one. */
  load(view: View, span: Span, columns: Columns, signal: AbortSignal, fromStart: boolean): Promise<void>;
  /** Put new clicks on top, where they belong there. */
  add(clicks: Click[]): void;
}

interface Asked {
  view: View;
  span: Span;
  columns: Columns;
  signal: AbortSignal;
}

export function clicksPanel(onError: (error: unknown) => void): ClicksPanel {
  let asked: Asked | null = null;
  let position = START;
  let info: PageInfo | null = null;
  let shown: Click[] = [];
  let waiting = 0;
  let turn = 0;
  let fresh = new Set<string>();
  const head = el("thead");
  const body = el("tbody");
  const table = el("table", { class: "stacked clicks" }, head, body);
  const empty = el("p", { class: "empty", hidden: true }, "No clicks in this time.");
  const news = el("button", { type: "button", class: "quiet news", hidden: true, onclick: () => go(START) });
  const newer = el("button", { type: "button", onclick: () => go({ last: PAGE, before: info?.startCursor ?? null }) }, "Newer");
  const older = el("button", { type: "button", onclick: () => go({ first: PAGE, after: info?.endCursor ?? null }) }, "Older");
  const save = () => asked && download(`clicks-${asked.span.days.join("-to-")}.csv`, rows(shown));
  const pager = el("nav", { class: "pager", "aria-label": "Pages of clicks" }, newer, older, news);
  const frame = panel("Latest clicks", { save }, table, empty, pager);
  const isFirst = () => position === START;

  function draw(): void {
    const { columns, view } = asked!;
    head.replaceChildren(header(columns));
    body.replaceChildren(...shown.map((click) => row(click, view.zone, columns, fresh.has(click.id))));
    withRoles(table).hidden = !shown.length;
    empty.hidden = !table.hidden;
    newer.disabled = isFirst() || !info?.hasPreviousPage;
    older.disabled = !info?.hasNextPage;
    news.hidden = !waiting;
    news.textContent = `${waiting} new: back to the latest`;
  }

  async function fetchPage(): Promise<void> {
    const { view, span, signal } = asked!;
    const mine = ++turn;
    const variables = { ...position, filter: filterOf(view, span) };
    const { clickEvents } = await ask<ClicksData>(CLICKS, variables, signal);
    // Another page was asked for meanwhile.
    if (mine !== turn) return;
    info = clickEvents.pageInfo;
    shown = clickEvents.nodes;
    // Whoever came back to the beginning is shown what is new from there on.
    if (!isFirst() && "last" in position && !info.hasPreviousPage) position = START;
    if (isFirst()) waiting = 0;
    draw();
  }

  function go(to: Position): void {
    if (!asked) return;
    position = to;
    fresh = new Set();
    void fetchPage().catch(onError);
  }
  return {
    element: frame.element,
    async load(view, span, columns, signal, fromStart) {
      asked = { view, span, columns, signal };
      if (fromStart) position = START;
      if (isFirst()) await fetchPage();
    },
    add(clicks) {
      if (!asked) return;
      const known = new Set(shown.map((click) => click.id));
      const unknown = clicks.filter((click) => !known.has(click.id));
      if (isFirst()) {
        shown = [...unknown.reverse(), ...shown].slice(0, 2 * PAGE);
        fresh = new Set(unknown.map((click) => click.id));
      } else waiting += unknown.length;
      draw();
    },
  };
}

function filterOf(view: View, span: Span): Record<string, unknown> {
  return {
    occurredFrom: span.from,
    occurredTo: span.to,
    programId: view.program,
    partnerId: view.partner,
    referralLinkId: view.link,
    isBot: view.who === "all" ? null : view.who === "bots",
  };
}

function header(columns: Columns): HTMLElement {
  const names = ["Time", "Link", ...(columns.partner ? ["Partner"] : []), ...(columns.program ? ["Program"] : [])];
  names.push("Page", "From", "Place", "Browser");
  return el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)));
}

function row(click: Click, zone: string, columns: Columns, isFresh: boolean): HTMLElement {
  const browser = [click.browser, click.os].filter(Boolean).join(", ") || capitalised(click.deviceType ?? "");
  const where = [click.city, click.country && country(click.country)].filter(Boolean).join(", ");
  const cell = (label: string, text: string | null | undefined, title: string | null = null) =>
    el("td", { "data-label": label }, el("span", { class: "cut", title: title ?? text ?? false }, text || "–"));
  return el(
    "tr",
    { class: isFresh ? "fresh" : false, "data-click": click.id },
    el("th", { scope: "row" }, el("time", { datetime: click.occurredAt }, dateTime(click.occurredAt, zone))),
    cell("Link", click.referralLink?.code),
    columns.partner && cell("Partner", click.partner.name),
    columns.program && cell("Program", click.program.name),
    cell("Page", place(click.pageUrl ?? click.affiliateUrl), click.pageUrl ?? click.affiliateUrl),
    cell("From", click.referrerHost, click.referrerUrl),
    cell("Place", where),
    click.isBot
      ? el("td", { "data-label": "Browser" }, el("span", {}, el("span", { class: "badge" }, "bot"), ` ${click.browser ?? ""}`))
      : cell("Browser", browser),
  );
}

function rows(clicks: Click[]): (string | null)[][] {
  const lines = clicks.map((click) => [
    click.occurredAt,
    click.referralLink?.code ?? null,
    click.partner.name,
    click.program.name,
    click.pageUrl ?? click.affiliateUrl,
    click.referrerUrl,
    click.country,
    click.city,
    click.deviceType,
    click.browser,
    click.os,
    click.isBot ? "bot" : "person",
  ]);
  const names = "occurred_at,link,partner,program,page,referrer,country,city,device,browser,os,who";
  return [names.split(","), ...lines];
}
