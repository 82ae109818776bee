// The dashboard's main view. It assembles the panels, loads their data and keeps it current.

import { Arrivals } from "./arrivals.ts";
import { goTo, viewHere } from "./address.ts";
import { Refused, ask, present } from "./api.ts";
import { ChartPanel } from "./chart.ts";
import { ClicksPanel, type Asked, type Columns } from "./clicks.ts";
import { Controls } from "./controls.ts";
import { ConversionsPanel } from "./conversions.ts";
import { el } from "./dom.ts";
import { date, time } from "./format.ts";
import { header } from "./header.ts";
import { LinksPanel } from "./links.ts";
import { Watch } from "./live.ts";
import { Notice } from "./notice.ts";
import { NAMES, REPORT, type Click, type NamesData, type Report, type ReportData, type ViewerData } from "./queries.ts";
import { periodBefore } from "./period.ts";
import { RankingsPanel } from "./rankings.ts";
import { spanOf, type Span } from "./spans.ts";
import { TotalsPanel } from "./totals.ts";
import type { View } from "./view.ts";

const TOP = 8;
// Even without clicks, days end and the period to compare with moves on.
const IDLE_REFRESH_MS = 5 * 60_000;
const REVOKED = "This token is no longer accepted: it was revoked or has expired. Sign in with another one.";

export class Board {
  readonly element: HTMLElement;
  private view = viewHere();
  private names: NamesData = {};
  /** Cancels the requests of a view when the user moves on to another. */
  private viewing = new AbortController();
  private isClosed = false;
  private isCounting = false;
  private isStale = false;
  private watch: Watch | null = null;
  private readonly idle: number;
  private readonly columns: Columns;

  private readonly trouble = new Notice(() => this.load());
  private readonly incoming = new Arrivals((some) => this.add(some), () => this.refresh());
  private readonly totals = new TotalsPanel();
  private readonly chart = new ChartPanel((measure) => this.choose({ measure }));
  private readonly rankings = new RankingsPanel((choice, id) => this.change({ [choice]: id }));
  private readonly links = new LinksPanel((error) => this.failed(error));
  private readonly conversions = new ConversionsPanel(
    (patch) => this.choose(patch),
    (error) => this.failed(error),
  );
  private readonly clicks = new ClicksPanel((error) => this.failed(error));
  private readonly asOf = el("p", { class: "as-of" });
  private readonly head: ReturnType<typeof header>;
  private readonly controls: Controls;

  constructor(
    viewer: ViewerData,
    private readonly leave: (why: string | null) => void,
  ) {
    const programs = present(viewer.programs).nodes;
    this.columns = { partner: viewer.viewer.role !== "PARTNER", program: programs.length > 1 };
    this.head = header(viewer, () => leave(null));
    this.controls = new Controls(programs, (patch) => this.change(patch));
    const panels = [this.totals, this.chart, this.rankings, this.links, this.conversions, this.clicks];
    const shown = panels.map((panel) => panel.element);
    const main = el("main", {}, this.controls.element, this.trouble.element, ...shown, this.asOf);
    this.element = el("div", { class: "board" }, this.head.element, main);
    addEventListener("popstate", this.goBack);
    this.idle = window.setInterval(() => document.hidden || this.refresh(), IDLE_REFRESH_MS);
    this.show();
  }

  close(): void {
    this.isClosed = true;
    removeEventListener("popstate", this.goBack);
    clearInterval(this.idle);
    this.viewing.abort();
    this.trouble.clear();
    this.incoming.stop();
    this.watch?.stop();
  }

  private readonly goBack = () => {
    this.view = viewHere();
    this.show();
  };

  private change(patch: Partial<View>): void {
    this.view = { ...this.view, ...patch };
    goTo(this.view);
    this.show();
  }

  /** Change what one panel shows of the same report: the chart's measure, or the list of conversions. */
  private choose(patch: Partial<View>): void {
    this.view = { ...this.view, ...patch };
    goTo(this.view);
    if ("measure" in patch) this.chart.choose(this.view.measure);
    else void this.conversions.load(this.asked(), true).catch((error) => this.failed(error));
  }

  private asked(): Asked {
    const { view, columns, viewing } = this;
    return { view, span: spanOf(view), columns, signal: viewing.signal };
  }

  private show(): void {
    const { program, link } = this.view;
    if (this.watch?.program !== program || this.watch.link !== link) {
      this.watch?.stop();
      this.watch = new Watch(program, link, {
        click: (click) => this.incoming.add(click),
        state: (state) => this.head.state(state),
        missed: () => this.incoming.missed(),
        refused: () => this.leave(REVOKED),
      });
    }
    this.showControls();
    this.load();
  }

  private showControls(): void {
    const { partner, link } = this.view;
    this.controls.show(this.view, spanOf(this.view), {
      partner: partner && (this.names.partner?.name ?? "…"),
      link: link && (this.names.referralLink?.code ?? "…"),
    });
  }

  /** Add new clicks to the top of the list, as far as they match the filters. */
  private add(clicks: Click[]): void {
    const { who, partner } = this.view;
    const end = Date.parse(spanOf(this.view).to);
    const belongs = (click: Click) =>
      (who === "all" || click.isBot === (who === "bots")) &&
      (partner === null || click.partner.id === partner) &&
      Date.parse(click.occurredAt) < end;
    this.clicks.add(clicks.filter(belongs));
  }

  /** Load everything that the view shows, and cancel what an earlier view was loading. */
  private load(): void {
    this.viewing.abort();
    this.viewing = new AbortController();
    this.element.setAttribute("aria-busy", "true");
    void this.run(true);
  }

  /** Reload what clicks change. A refresh during a slow one does not cancel it, but runs after it. */
  private refresh(): void {
    if (this.isCounting) this.isStale = true;
    else void this.run(false);
  }

  private async run(isNew: boolean): Promise<void> {
    const { signal } = this.viewing;
    const [view, span] = [this.view, spanOf(this.view)];
    this.isCounting = true;
    try {
      await Promise.all([
        this.loadReport(view, span, signal),
        this.conversions.load(this.asked(), isNew),
        this.clicks.load({ view, span, columns: this.columns, signal }, isNew),
        isNew && this.links.load(view, this.columns.partner, signal),
        isNew && this.loadNames(view, signal),
      ]);
      this.trouble.clear();
    } catch (error) {
      if (!signal.aborted) this.failed(error);
    }
    if (signal.aborted) return;
    this.element.setAttribute("aria-busy", "false");
    this.isCounting = false;
    if (this.isStale) this.incoming.missed();
    this.isStale = false;
  }

  private async loadReport(view: View, span: Span, signal: AbortSignal): Promise<void> {
    const data = await ask<ReportData>(REPORT, variablesOf(view, span, this.columns), signal);
    const report = present(data.report);
    const { before } = data;
    this.totals.show(
      { ...report, ...present(data.newcomers) },
      before ? { ...before, ...present(data.newcomersBefore) } : null,
      view.who,
      periodBefore(view.range, span),
    );
    this.showReport(view, span, report);
  }

  private showReport(view: View, span: Span, report: Report): void {
    const name = span.days.join("-to-");
    const now = Date.parse(report.dataAsOf);
    const buckets = report.series.filter((bucket, number) => number === 0 || Date.parse(bucket.start) <= now);
    const isOneDay = span.days[0] === span.days[1];
    // The measure may have changed since the report was asked for.
    this.chart.show({ buckets, interval: span.interval, zone: view.zone, isOneDay, name }, this.view.measure);
    this.rankings.show(report, view, name);
    const zone = view.zone.replaceAll("_", " ");
    this.asOf.textContent = `${wordsFor(span)}. Data as of ${time(report.dataAsOf, view.zone)}, ${zone} time.`;
  }

  private async loadNames({ partner, link }: View, signal: AbortSignal): Promise<void> {
    const variables = { partner: partner ?? "", withPartner: partner !== null, link: link ?? "", withLink: link !== null };
    this.names = partner || link ? await ask<NamesData>(NAMES, variables, signal) : {};
    this.showControls();
  }

  private failed(error: unknown): void {
    // The user has signed out, and someone else may have signed in.
    if (this.isClosed) return;
    if (error instanceof Refused) this.leave(REVOKED);
    else if (!(error instanceof DOMException && error.name === "AbortError")) this.trouble.show(error);
  }
}

function variablesOf(view: View, span: Span, columns: Columns): Record<string, unknown> {
  const confined = {
    programIds: view.program && [view.program],
    partnerIds: view.partner && [view.partner],
    referralLinkIds: view.link && [view.link],
  };
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
    filter: { ...confined, isBot: view.who === "all" ? null : view.who === "bots" },
    newcomers: { ...confined, isBot: view.who === "bots" },
  };
}

function wordsFor({ days: [first, last] }: Span): string {
  return first === last ? date(first) : `${date(first)} to ${date(last)}`;
}
