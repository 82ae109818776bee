// The dashboard of whoever is signed in: puts the parts together, loads what they show, and keeps it current.

import { arrivals } from "./arrivals.ts";
import { Refused, ask } from "./api.ts";
import { chartPanel } from "./chart.ts";
import { clicksPanel } from "./clicks.ts";
import { controls } from "./controls.ts";
import { el } from "./dom.ts";
import { date, time } from "./format.ts";
import { header } from "./header.ts";
import { linksPanel } from "./links.ts";
import { watch } from "./live.ts";
import { notice } from "./notice.ts";
import { NAMES, REPORT, type Click, type NamesData, type ReportData, type ViewerData } from "./queries.ts";
import { rankingsPanel } from "./rankings.ts";
import { spanOf, type Span } from "./spans.ts";
import { totalsPanel } from "./totals.ts";
import { searchOf, viewIn, type View } from "./view.ts";

const TOP = 8;
// Days end, and a period before moves on, though nobody clicks.
const IDLE_REFRESH_MS = 5 * 60_000;
const REVOKED = "This token is no longer accepted: it was revoked, or has expired. Sign in with another one.";
const PERIODS: Record<View["range"], string> = {
  today: "by this time yesterday",
  "7d": "in the 7 days before",
  "30d": "in the 30 days before",
  "90d": "in the 90 days before",
  "12m": "in the 12 months before",
  custom: "in as many days before",
};

export interface Board {
  element: HTMLElement;
  close(): void;
}

export function board(viewer: ViewerData, leave: (why: string | null) => void): Board {
  const { role } = viewer.viewer;
  const columns = { partner: role !== "PARTNER", program: viewer.programs.nodes.length > 1 };
  let view = viewIn(location.search);
  let names: NamesData = {};
  // What belongs to the view is given up when that changes; the sums also when they are asked for again.
  let viewing = new AbortController();
  let counting = new AbortController();
  let watched: View | null = null;
  let stopWatching = () => {};

  const top = header(viewer, () => leave(null));
  const trouble = notice(() => void load(true));
  const choices = controls(viewer.programs.nodes, change);
  const totals = totalsPanel();
  const chart = chartPanel();
  const rankings = rankingsPanel((choice, id) => change({ [choice]: id }));
  const links = linksPanel(failed);
  const clicks = clicksPanel(failed);
  const asOf = el("p", { class: "as-of" });
  const main = el("main", {}, choices.element, trouble.element, totals.element, chart.element, rankings.element, links.element);
  main.append(clicks.element, asOf);
  const element = el("div", { class: "board", "aria-busy": "true" }, top.element, main);
  const incoming = arrivals((some) => clicks.add(some.filter(belongs)), () => void load(false));

  function change(patch: Partial<View>): void {
    view = { ...view, ...patch };
    history.pushState(null, "", location.pathname + searchOf(view));
    show();
  }

  function show(): void {
    choices.show(view, spanOf(view), { partner: names.partner?.name ?? null, link: names.referralLink?.code ?? null });
    if (watched?.program !== view.program || watched.link !== view.link) rewatch();
    void load(true);
  }

  function rewatch(): void {
    const { program, link } = (watched = view);
    stopWatching();
    stopWatching = watch(program, link, {
      click: incoming.add,
      state: top.state,
      missed: incoming.missed,
      refused: () => leave(REVOKED),
    });
  }

  function belongs(click: Click): boolean {
    return (
      (view.who === "all" || click.isBot === (view.who === "bots")) &&
      (view.partner === null || click.partner.id === view.partner) &&
      Date.parse(click.occurredAt) < Date.parse(spanOf(view).to)
    );
  }

  /** Load everything, or after clicks arrived, what they change. */
  async function load(isNew: boolean): Promise<void> {
    if (isNew) {
      viewing.abort();
      viewing = new AbortController();
      element.setAttribute("aria-busy", "true");
    }
    counting.abort();
    counting = new AbortController();
    const [span, { signal }] = [spanOf(view), viewing];
    try {
      await Promise.all([
        loadReport(span, counting.signal),
        clicks.load(view, span, columns, signal, isNew),
        isNew && links.load(view, columns.partner, signal),
        isNew && loadNames(span, signal),
      ]);
      trouble.clear();
      element.setAttribute("aria-busy", "false");
    } catch (error) {
      failed(error);
    }
  }

  async function loadReport(span: Span, signal: AbortSignal): Promise<void> {
    const { report, before } = await ask<ReportData>(REPORT, variablesOf(view, span, columns), signal);
    const name = span.days.join("-to-");
    const now = Date.parse(report.dataAsOf);
    const buckets = report.series.filter((bucket, number) => number === 0 || Date.parse(bucket.start) <= now);
    totals.show(report, before ?? null, view.who, PERIODS[view.range]);
    chart.show({ buckets, interval: span.interval, zone: view.zone, isOneDay: span.days[0] === span.days[1], name });
    rankings.show(report, view, name);
    asOf.textContent = `${wordsFor(span)}. Counted at ${time(report.dataAsOf, view.zone)}, ${view.zone.replaceAll("_", " ")}.`;
  }

  async function loadNames(span: Span, signal: AbortSignal): Promise<void> {
    const { partner, link } = view;
    const variables = { partner: partner ?? "", withPartner: partner !== null, link: link ?? "", withLink: link !== null };
    names = partner || link ? await ask<NamesData>(NAMES, variables, signal) : {};
    choices.show(view, span, {
      partner: partner && (names.partner?.name ?? "out of sight"),
      link: link && (names.referralLink?.code ?? "out of sight"),
    });
  }

  function failed(error: unknown): void {
    if (error instanceof DOMException && error.name === "AbortError") return;
    element.setAttribute("aria-busy", "false");
    if (error instanceof Refused) leave(REVOKED);
    else trouble.show(error);
  }

  const back = () => {
    view = viewIn(location.search);
    show();
  };
  addEventListener("popstate", back);
  const idle = setInterval(() => document.hidden || void load(false), IDLE_REFRESH_MS);
  show();
  return {
    element,
    close() {
      removeEventListener("popstate", back);
      clearInterval(idle);
      viewing.abort();
      counting.abort();
      trouble.clear();
      incoming.stop();
      stopWatching();
    },
  };
}

function variablesOf(view: View, span: Span, columns: { partner: boolean; program: boolean }): Record<string, unknown> {
  return {
    from: span.from,
    to: span.to,
    beforeFrom: span.before?.from ?? span.from,
    beforeTo: span.before?.to ?? span.to,
    withBefore: span.before !== null,
    zone: view.zone,
    interval: span.interval,
    top: TOP,
    withPartners: columns.partner,
    withPrograms: columns.program,
    filter: {
      programIds: view.program && [view.program],
      partnerIds: view.partner && [view.partner],
      referralLinkIds: view.link && [view.link],
      isBot: view.who === "all" ? null : view.who === "bots",
    },
  };
}

function wordsFor({ days: [first, last] }: Span): string {
  return first === last ? date(first) : `${date(first)} to ${date(last)}`;
}
