// The dashboard's main view. It assembles the panels, loads their data and keeps it current.

import { Arrivals } from "./arrivals.ts";
import { correct, goTo, viewHere } from "./address.ts";
import { Refused, present } from "./api.ts";
import { ClicksPanel, type Asked, type Columns } from "./clicks.ts";
import { Controls } from "./controls.ts";
import { ConversionsPanel } from "./conversions.ts";
import { CrossPanel } from "./cross.ts";
import type { Chosen } from "./cross-view.ts";
import { hasIds, type Dimension } from "./dimensions.ts";
import { el } from "./dom.ts";
import { filterOn, including, onlyValue, parameterOf, without, type Filter } from "./filters.ts";
import { header } from "./header.ts";
import { LinksPanel } from "./links.ts";
import { isListed } from "./list-filters.ts";
import { Watch } from "./live.ts";
import { Names } from "./names.ts";
import { Notice } from "./notice.ts";
import type { Click, ViewerData } from "./queries.ts";
import { ReportPanels } from "./report-panels.ts";
import { spanOf } from "./spans.ts";
import type { View } from "./view.ts";

// Even without clicks, days end and the period to compare with moves on.
const IDLE_REFRESH_MS = 5 * 60_000;
const REVOKED = "This token is no longer accepted: it was revoked or has expired. Sign in with another one.";


export class Board {
  readonly element: HTMLElement;
  private view: View;
  private readonly names = new Names();
  /** The parameters of the address that were left out. */
  private ignored: string[] = [];
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
  private readonly report: ReportPanels;
  private readonly fail = (error: unknown) => this.failed(error);
  private readonly cross = new CrossPanel((patch) => this.choose(patch), (...chosen) => this.confine(chosen), this.fail);
  private readonly links = new LinksPanel(this.fail);
  private readonly conversions = new ConversionsPanel((patch) => this.choose(patch), this.fail);
  private readonly clicks = new ClicksPanel(this.fail);
  private readonly head: ReturnType<typeof header>;
  private readonly controls: Controls;

  constructor(
    viewer: ViewerData,
    private readonly leave: (why: string | null) => void,
  ) {
    const programs = present(viewer.programs).nodes;
    for (const { id, name } of programs) this.names.remember(id, name);
    this.columns = { partner: viewer.viewer.role !== "PARTNER", program: programs.length > 1 };
    this.head = header(viewer, () => leave(null));
    this.controls = new Controls(programs, (patch) => this.change(patch));
    const press = (dimension: Dimension, value: string | null, words: string) => this.press({ dimension, value, words });
    this.report = new ReportPanels(this.columns, { choose: (patch) => this.choose(patch), press });
    this.element = el("div", { class: "board" }, this.head.element, this.main());
    addEventListener("popstate", this.goBack);
    this.idle = window.setInterval(() => document.hidden || this.refresh(), IDLE_REFRESH_MS);
    ({ view: this.view, ignored: this.ignored } = viewHere());
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

  private main(): HTMLElement {
    const { totals, chart, rankings, asOf } = this.report;
    const panels = [totals, chart, rankings, this.cross, this.links, this.conversions, this.clicks];
    const shown = panels.map((panel) => panel.element);
    return el("main", {}, this.controls.element, this.trouble.element, ...shown, asOf);
  }

  private readonly goBack = () => {
    ({ view: this.view, ignored: this.ignored } = viewHere());
    this.show();
  };

  private change(patch: Partial<View>): void {
    if (patch.filters && !this.controls.chips.accepts(patch.filters)) return;
    this.view = { ...this.view, ...patch };
    this.ignored = [];
    goTo(this.view);
    this.show();
  }

  /** Add a filter on a value that was pressed, or remove it. */
  private press(pressed: Chosen): void {
    const filter = filterOn(this.view.filters, pressed.dimension, pressed.value);
    if (filter) this.change({ filters: without(this.view.filters, filter) });
    else this.confine([pressed]);
  }

  private confine(chosen: readonly Chosen[]): void {
    let { filters } = this.view;
    for (const { dimension, value, words } of chosen) {
      if (value !== null && hasIds(dimension)) this.names.remember(value, words);
      filters = including(filters, dimension, value);
    }
    this.change({ filters });
  }

  /** Change what one panel shows of the same view. */
  private choose(patch: Partial<View>): void {
    this.view = { ...this.view, ...patch };
    goTo(this.view);
    this.report.choosing(this.view);
    if ("measure" in patch) this.report.chart.choose(this.view.measure);
    else void this.reload(patch).catch(this.fail);
  }

  private async reload(patch: Partial<View>): Promise<void> {
    if ("by" in patch) await this.report.turn(this.asked());
    else if ("list" in patch || "status" in patch) await this.conversions.load(this.asked(), true);
    else await this.cross.load(this.asked());
  }

  private asked(): Asked {
    const { view, columns, names, viewing } = this;
    return { view, span: spanOf(view), columns, names, signal: viewing.signal };
  }

  private show(): void {
    this.follow();
    this.report.choosing(this.view);
    this.showControls();
    this.load();
  }

  /** Watch the new clicks of the view, as far as the subscription can tell them apart. */
  private follow(): void {
    const [program, link] = [onlyValue(this.view.filters, "PROGRAM"), onlyValue(this.view.filters, "LINK")];
    if (this.watch?.program !== program || this.watch.link !== link) {
      this.watch?.stop();
      this.watch = new Watch(program, link, {
        click: (click) => this.incoming.add(click),
        state: (state) => this.head.state(state),
        missed: () => this.incoming.missed(),
        refused: () => this.leave(REVOKED),
      });
    }
  }

  private showControls(): void {
    this.controls.show(this.view, spanOf(this.view), this.names);
    this.controls.chips.ignore(this.ignored);
  }

  /** Add new clicks to the top of the list, as far as they match the filters. */
  private add(clicks: Click[]): void {
    const { who, filters } = this.view;
    const end = Date.parse(spanOf(this.view).to);
    const belongs = (click: Click) =>
      (who === "all" || click.isBot === (who === "bots")) &&
      isListed(click, filters) &&
      Date.parse(click.occurredAt) < end;
    this.clicks.add(clicks.filter(belongs));
  }

  /** Load everything that the view shows, and cancel what an earlier view was loading. */
  private load(): void {
    this.viewing.abort();
    this.viewing = new AbortController();
    this.element.setAttribute("aria-busy", "true");
    this.cross.wait();
    void this.run(true);
  }

  /** Reload what clicks change. A refresh during a slow one does not cancel it, but runs after it. */
  private refresh(): void {
    if (this.isCounting) this.isStale = true;
    else void this.run(false);
  }

  private async run(isNew: boolean): Promise<void> {
    const { signal } = this.viewing;
    this.isCounting = true;
    try {
      if (isNew) await this.loadNames(signal);
      const asked = this.asked();
      await Promise.all([
        this.report.load(asked, isNew),
        this.conversions.load(asked, isNew),
        this.clicks.load(asked, isNew),
        isNew && this.links.load(asked),
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
    // The cross table comes last: it takes the most questions, and is the least urgent.
    void this.cross.refresh(this.asked(), isNew).catch(this.fail);
  }

  /** Look up the names of what the view is filtered by. Filters on what does not exist, or is hidden, are left out. */
  private async loadNames(signal: AbortSignal): Promise<void> {
    if (!this.names.missing(this.view.filters).length) return;
    const wrong = await this.names.load(this.view.filters, signal);
    if (signal.aborted) return;
    if (wrong.length) this.drop(wrong);
    this.showControls();
  }

  private drop(wrong: readonly Filter[]): void {
    const filters = this.view.filters.filter((each) => !wrong.includes(each));
    this.view = { ...this.view, filters };
    this.ignored = [...this.ignored, ...wrong.map((each) => parameterOf(each).join("="))];
    this.report.choosing(this.view);
    this.follow();
    correct(this.view);
  }

  private failed(error: unknown): void {
    // The user has signed out, and someone else may have signed in.
    if (this.isClosed) return;
    if (error instanceof Refused) this.leave(REVOKED);
    else if (!(error instanceof DOMException && error.name === "AbortError")) this.trouble.show(error);
  }
}
