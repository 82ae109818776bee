// The panels that show one report of the view: totals, chart and rankings. One operation reads all of them.

import { ask, present } from "./api.ts";
import { asked as dimensionsOf, type Card, type Tabs } from "./cards.ts";
import { ChartPanel } from "./chart.ts";
import type { Asked, Columns } from "./clicks.ts";
import type { Dimension } from "./dimensions.ts";
import { el } from "./dom.ts";
import { date, time } from "./format.ts";
import { periodBefore } from "./period.ts";
import { RankingsPanel } from "./rankings.ts";
import { rankingOperation, rankingsIn, reportOperation, type Report, type ReportData } from "./report-query.ts";
import type { Span } from "./spans.ts";
import { TotalsPanel } from "./totals.ts";
import type { View } from "./view.ts";

/** How often to look what sparse cards could offer while clicks arrive. */
const FULL_PAUSE_MS = 60_000;

interface Changes {
  /** Show another measure, or another dimension of a card. */
  choose: (patch: Partial<View>) => void;
  press: (dimension: Dimension, value: string | null, name: string) => void;
}

export class ReportPanels {
  readonly totals = new TotalsPanel();
  readonly chart: ChartPanel;
  readonly rankings: RankingsPanel;
  readonly asOf = el("p", { class: "as-of" });
  private view: View | null = null;
  private fullAt = -Infinity;

  constructor(
    private readonly columns: Columns,
    { choose, press }: Changes,
  ) {
    this.chart = new ChartPanel((measure) => choose({ measure }));
    this.rankings = new RankingsPanel(this.isOffered, press, (by) => choose({ by }));
  }

  /** Read and show the report. */
  async load({ view, span, signal }: Asked, isNew: boolean): Promise<void> {
    const isFull = isNew || performance.now() > this.fullAt + FULL_PAUSE_MS;
    if (isFull) this.fullAt = performance.now();
    const isKnown = isNew ? () => false : this.rankings.isKnown;
    const dimensions = dimensionsOf(view.by, isFull, isKnown, this.isOffered);
    const { query, variables } = reportOperation(view, span, dimensions);
    const data = await ask<ReportData>(query, variables, signal);
    const report = present(data.report);
    const { before } = data;
    this.totals.show(
      { ...report, ...present(data.newcomers) },
      before ? { ...before, ...present(data.newcomersBefore) } : null,
      view.who,
      periodBefore(view.range, span),
    );
    if (isNew) this.rankings.clear();
    // The measure and the cards may have changed since the report was asked for.
    const now = this.view ?? view;
    this.showSeries({ ...view, measure: now.measure }, span, report);
    const isEmpty = report.clicks === 0 && report.sales === 0 && report.leads === 0 && !view.filters.length;
    const rankings = rankingsIn(data as unknown as Record<string, unknown>, dimensions);
    this.rankings.show(rankings, { ...view, by: now.by }, span.days.join("-to-"), isEmpty);
  }

  /** Take note of what is chosen now. */
  choosing(view: View): void {
    this.view = view;
  }

  /** Show another dimension of a card, which is read if it has not been. */
  async turn({ view, span, signal }: Asked, before: Tabs): Promise<void> {
    this.rankings.add({}, view);
    for (const dimension of view.by.filter((each) => !before.includes(each) && !this.rankings.has(each))) {
      const { query, variables } = rankingOperation(view, span, dimension);
      const data = await ask<Record<string, unknown>>(query, variables, signal);
      if (this.view) this.rankings.add(rankingsIn(data, [dimension]), this.view);
    }
  }

  private readonly isOffered = ({ key }: Card): boolean =>
    key === "partners" ? this.columns.partner : key !== "programs" || this.columns.program;

  private showSeries(view: View, span: Span, report: Report): void {
    const name = span.days.join("-to-");
    const now = Date.parse(report.dataAsOf);
    const buckets = report.series.filter((bucket, number) => number === 0 || Date.parse(bucket.start) <= now);
    const isOneDay = span.days[0] === span.days[1];
    this.chart.show({ buckets, interval: span.interval, zone: view.zone, isOneDay, name }, view.measure);
    const zone = view.zone.replaceAll("_", " ");
    this.asOf.textContent = `${wordsFor(span)}. Data as of ${time(report.dataAsOf, view.zone)}, ${zone} time.`;
  }
}

function wordsFor({ days: [first, last] }: Span): string {
  return first === last ? date(first) : `${date(first)} to ${date(last)}`;
}
