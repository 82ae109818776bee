// The panels that show one report of the view: totals, rankings, and a chart where the section has one. One operation
// reads all of them.

import { ask, present } from "../api/api.ts";
import type { Bucket } from "../api/queries.ts";
import type { ChartPanel } from "../charts/chart.ts";
import { rankingOperation, rankingsIn, reportOperation, type Report, type ReportData } from "../charts/report-query.ts";
import { TotalsPanel } from "../charts/totals.ts";
import { el } from "../parts/dom.ts";
import { date, time } from "../parts/format.ts";
import { RankingOpener } from "../rankings/ranking-opener.ts";
import { rankingTable, type Table } from "../rankings/ranking-table.ts";
import { RankingsPanel } from "../rankings/rankings.ts";
import type { Asked, Columns } from "../view/asked.ts";
import { asked as dimensionsOf, cardOf, type Card, type Tabs } from "../view/cards.ts";
import type { Dimension } from "../view/dimensions.ts";
import { periodBefore } from "../view/period.ts";
import type { Desk } from "../view/section.ts";
import type { Span } from "../view/spans.ts";
import type { View } from "../view/view.ts";

/** How often to look what sparse cards could offer while clicks arrive. */
const FULL_PAUSE_MS = 60_000;

export class ReportPanels {
  readonly totals = new TotalsPanel();
  readonly rankings: RankingsPanel;
  readonly asOf = el("p", { class: "as-of" });
  private readonly opener: RankingOpener;
  private readonly columns: Columns;
  private view: View | null = null;
  private fullAt = -Infinity;
  /** The dimensions whose rankings are of the report that is shown. */
  private fresh = new Set<Dimension>();

  /** `shows` tells which cards there are among those that are offered to the viewer. */
  constructor(
    { columns, choose, press, fail }: Desk,
    private readonly chart: ChartPanel | null = null,
    private readonly shows: (card: Card) => boolean = () => true,
  ) {
    this.columns = columns;
    const choice = (dimension: Dimension, value: string | null, words: string) => press({ dimension, value, words });
    const open = (all: Dimension | null) => choose({ all, find: "", order: "", page: 1 });
    const turn = (by: Tabs) => choose({ by });
    this.rankings = new RankingsPanel(this.isOffered, { choose: choice, turn, open, fail });
    const table: Table = (...parts) => rankingTable(...parts, choice);
    const actions = { choose, table, close: () => open(null), fail };
    const isRanked = (dimension: Dimension) => this.isOffered(cardOf(dimension));
    this.opener = new RankingOpener(actions, isRanked, (whole, before) => this.rankings.replace(whole, `all ${before}`));
  }

  /** Read and show the report. */
  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.rankings.offer(asked);
    await Promise.all([this.read(asked, isNew), this.opener.load(asked)]);
  }

  private async read(asked: Asked, isNew: boolean): Promise<void> {
    const { view, span, signal } = asked;
    const isFull = isNew || performance.now() > this.fullAt + FULL_PAUSE_MS;
    if (isFull) this.fullAt = performance.now();
    const isKnown = isNew ? () => false : this.rankings.isKnown;
    const dimensions = dimensionsOf(view.by, isFull, isKnown, this.isOffered);
    const { query, variables } = reportOperation(view, span, dimensions, this.chart !== null);
    const data = await ask<ReportData>(query, variables, signal);
    if (signal.aborted) return;
    const report = present(data.report);
    this.showTotals(view, span, report, data);
    if (isNew) this.rankings.clear();
    this.fresh = new Set(dimensions);
    // The measure and the cards may have changed since the report was asked for.
    const now = this.view ?? view;
    this.showSeries({ ...view, measure: now.measure }, span, report, data.before?.series ?? []);
    const isEmpty = report.clicks === 0 && report.sales === 0 && report.leads === 0 && !view.filters.length;
    const rankings = rankingsIn(data as unknown as Record<string, unknown>, dimensions);
    this.rankings.show(rankings, now, isEmpty);
    await this.turnCards({ ...asked, view: now });
  }

  /** Take note of what is chosen now. */
  choosing(view: View): void {
    this.view = view;
  }

  private showTotals(view: View, span: Span, report: Report, data: ReportData): void {
    const { before } = data;
    this.totals.show(
      { ...report, ...present(data.newcomers) },
      before ? { ...before, ...present(data.newcomersBefore) } : null,
      view.who,
      periodBefore(view.range, span),
    );
  }

  /** Show another part of the same view. */
  async turn(asked: Asked, patch: Partial<View>): Promise<void> {
    await (RankingOpener.isAbout(patch) ? this.opener.load(asked) : this.turnCards(asked));
  }

  /** Show the dimensions that cards show now, and read those that are not up to date. */
  private async turnCards(asked: Asked): Promise<void> {
    const { view, span, signal } = asked;
    this.rankings.offer(asked);
    this.rankings.add({}, view);
    const shown = dimensionsOf(view.by, false, this.rankings.isKnown, this.isOffered);
    for (const dimension of shown.filter((each) => !this.fresh.has(each))) {
      const { query, variables } = rankingOperation(view, span, dimension);
      const data = await ask<Record<string, unknown>>(query, variables, signal);
      this.fresh.add(dimension);
      this.rankings.add(rankingsIn(data, [dimension]), this.view ?? view);
    }
  }

  private readonly isOffered = (card: Card): boolean => {
    if (card.key === "partners" && !this.columns.partner) return false;
    return (card.key !== "programs" || this.columns.program) && this.shows(card);
  };

  private showSeries(view: View, span: Span, report: Report, before: Bucket[]): void {
    const name = span.days.join("-to-");
    const now = Date.parse(report.dataAsOf);
    const buckets = (report.series ?? []).filter((bucket, number) => number === 0 || Date.parse(bucket.start) <= now);
    const words = { isOneDay: span.days[0] === span.days[1], isFiltered: view.filters.length > 0, name };
    const asOf = report.dataAsOf;
    if (buckets.length) this.chart?.show({ buckets, before, asOf, interval: span.interval, zone: view.zone, ...words }, view.measure);
    const zone = view.zone.replaceAll("_", " ");
    this.asOf.textContent = `${wordsFor(span)}. Data as of ${time(report.dataAsOf, view.zone)}, ${zone} time.`;
  }
}

function wordsFor({ days: [first, last] }: Span): string {
  return first === last ? date(first) : `${date(first)} to ${date(last)}`;
}
