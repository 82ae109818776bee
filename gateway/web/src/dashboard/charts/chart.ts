// A measure over time as a bar chart, above the table of all figures.

import uPlot from "uplot";
import type { Bucket } from "../api/queries.ts";
import { Choice } from "../controls/fields.ts";
import { download } from "../parts/csv.ts";
import { el } from "../parts/dom.ts";
import { number, tick } from "../parts/format.ts";
import { amounts } from "../parts/money.ts";
import { panel } from "../parts/panel.ts";
import { labelOf, measureOf, measuresOf, type Measure } from "./measures.ts";
import { PER, isUnfinished, nameIn, rows, tableOf, type Series } from "./series-table.ts";

/** A series and the measure that is shown of it. */
interface Shown extends Series {
  measure: Measure;
}

const NOTHING_YET = "No clicks in this period yet. Clicks on the links below appear here as they arrive.";
const HEIGHT = 260;
const TICK_PIXELS = 72;
const LABEL_PIXELS = 56;
const LEFT_PIXELS = 48;
/** The opacity of a bar that still grows, after a colour. */
const PALE = "80";
// The axis shows counts and minor units, so its steps are whole numbers.
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13].flatMap((zeros) => [1, 2, 5].map((step) => step * 10 ** zeros));

type Colour = (name: string) => string;

export class ChartPanel {
  readonly element: HTMLElement;
  private shown: Shown | null = null;
  private plot: uPlot | null = null;
  private readonly canvas = el("div", { class: "plot", role: "img", "aria-label": "Loading" });
  private readonly tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  private readonly nothing = el("p", { class: "nothing", hidden: true });
  private readonly table = el("div", {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": "Figures over time, table",
  });
  private readonly legend = legend();
  private readonly measure: Choice;

  constructor(choose: (measure: string) => void) {
    this.measure = new Choice("Measure", choose);
    const details = el("details", {}, el("summary", {}, "Show as table"), this.table);
    const chart = el("div", { class: "chart" }, this.canvas, this.tip, this.nothing);
    const note = el("div", { class: "measure" }, this.measure.element, this.legend);
    this.element = panel("Figures over time", { save: () => this.save(), note }, chart, details);
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(series: Series, chosen: string): void {
    this.table.replaceChildren(tableOf(series));
    this.showMeasure(series, chosen);
  }

  /** Show another measure of the same series. */
  choose(chosen: string): void {
    if (this.shown) this.showMeasure(this.shown, chosen);
  }

  private showMeasure(series: Series, chosen: string): void {
    const measures = measuresOf(series.buckets, chosen);
    const measure = measureOf(measures, chosen);
    const former = this.shown;
    this.shown = { ...series, measure };
    this.measure.offer(measures.map((each) => [each.key, labelOf(each)]));
    this.measure.select(measure.key);
    for (const each of this.legend.querySelectorAll<HTMLElement>(".people, .bots")) each.hidden = measure.key !== "clicks";
    this.legend.querySelector<HTMLElement>(".before")!.hidden = !series.before.length;
    this.canvas.setAttribute("aria-label", inWords(this.shown));
    this.nothing.hidden = series.buckets.some((bucket) => measure.value(bucket) !== 0);
    this.nothing.textContent = nothing(this.shown);
    if (this.plot && former && hasSameBars(former, this.shown)) this.update(this.plot, this.shown);
    else this.draw();
  }

  /** Show new figures in the chart that is there, so that whoever points at a bar goes on reading it. */
  private update(plot: uPlot, shown: Shown): void {
    plot.setData(data(shown));
    if (!this.tip.hidden) point(plot, shown, this.tip);
  }

  private resize(): void {
    const width = this.canvas.clientWidth;
    if (!this.plot || !width) this.draw();
    else if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }

  private draw(): void {
    this.plot?.destroy();
    this.tip.hidden = true;
    this.plot =
      this.shown && this.canvas.clientWidth
        ? new uPlot(options(() => this.shown!, this.canvas, this.tip), data(this.shown), this.canvas)
        : null;
  }

  private save(): void {
    if (this.shown) download(`figures-over-time-${this.shown.name}.csv`, rows(this.shown));
  }
}

/** Tell whether two series have bars of the same measure and times, and differ in figures only. */
function hasSameBars(one: Shown, other: Shown): boolean {
  const [before, after] = [one, other].map(({ measure, interval, zone, isOneDay, buckets }) =>
    JSON.stringify([measure.key, interval, zone, isOneDay, buckets.map((bucket) => bucket.start)]),
  );
  return before === after;
}

function legend(): HTMLElement {
  const [people, bots] = [el("span", { class: "people" }, "People"), el("span", { class: "bots" }, "Bots")];
  const before = el("span", { class: "before", hidden: true }, "Period before");
  return el("p", { class: "legend", "aria-hidden": "true" }, people, bots, before);
}

function nothing({ buckets, measure, isFiltered }: Shown): string {
  const isOver = Date.parse(buckets.at(-1)!.end) <= Date.now();
  return isOver || isFiltered || measure.key !== "clicks" ? `No ${measure.name} in this period.` : NOTHING_YET;
}

function inWords(series: Shown): string {
  const { buckets, interval, measure } = series;
  const [most, least] = [1, -1].map((sign) =>
    buckets.reduce((best, each) => (sign * measure.value(each) > sign * measure.value(best) ? each : best)),
  );
  const named = (name: string, bucket: Bucket) => {
    const value = measure.key === "clicks" ? byWhom(bucket).join(" and ") : measure.words(bucket);
    return `${name}: ${nameIn(series, bucket)}, ${value}.`;
  };
  const found = [
    measure.value(most!) > 0 && named("Peak", most!),
    measure.value(least!) < 0 && named("Lowest", least!),
  ].filter(Boolean);
  return [`Bar chart of ${measure.name} by ${PER[interval]}.`, ...(found.length ? found : [`No ${measure.name}.`])].join(" ");
}

function byWhom(bucket: Bucket): [string, string] {
  return [`${number(bucket.people)} by people`, `${number(bucket.bots)} by bots`];
}

// The x axis numbers the buckets instead of measuring time, so that months and 23-hour days get bars of equal width.
// The bar of all clicks is drawn first and that of people on top of it, so the visible rest is the bots. The line of the
// period before is behind both.
function data({ buckets, before, measure }: Shown): uPlot.AlignedData {
  const numbers = buckets.map((_, number) => number);
  const earlier = buckets.map((_, number) => (before[number] ? measure.value(before[number]) : null));
  const values = buckets.map(measure.value);
  const drawn = measure.key === "clicks" ? [values, buckets.map((each) => each.people)] : [values];
  return [numbers, earlier, ...drawn];
}

/** The options of a chart whose figures may be replaced by others of the same bars. */
function options(shown: () => Shown, canvas: HTMLElement, tip: HTMLElement): uPlot.Options {
  const styles = getComputedStyle(canvas);
  const colour: Colour = (name) => styles.getPropertyValue(`--${name}`).trim();
  const bar = (name: string) => barOf(shown, colour(name));
  const bars = shown().buckets.length;
  return {
    width: canvas.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [12, (plot) => roomForLabel(plot.width, bars), 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-0.5, bars - 0.5] },
      // Refunds of earlier sales can make amounts negative.
      y: { range: (_plot, min, max) => [Math.min(0, min * 1.08), shown().measure.top(max)] },
    },
    series: [{}, lineOf(colour("edge")), ...(shown().measure.key === "clicks" ? [bar("bots"), bar("people")] : [bar("people")])],
    axes: axes(shown, colour, `12px ${styles.fontFamily}`),
    hooks: { setCursor: [(plot) => point(plot, shown(), tip)] },
  };
}

/** Draw bars, the one of what has not ended yet in a paler colour. */
function barOf(shown: () => Shown, colour: string): uPlot.Series {
  const fills = () => {
    const { buckets, asOf } = shown();
    return buckets.map((bucket) => (isUnfinished(asOf, bucket) ? colour + PALE : colour));
  };
  const fill = { unit: 3 as const, values: fills };
  const paths = uPlot.paths.bars!({ size: [0.72, 48], radius: [0.15, 0], disp: { fill } });
  return { paths, fill: colour, width: 0, points: { show: false } };
}

function lineOf(colour: string): uPlot.Series {
  return { stroke: colour, width: 1.5, dash: [4, 4], points: { show: false } };
}

/** Return how much of the last label is to the right of the last bar's own space. */
function roomForLabel(width: number, bars: number): number {
  return Math.max(0, LABEL_PIXELS / 2 - (width - LEFT_PIXELS) / bars / 2);
}

function axes(shown: () => Shown, colour: Colour, font: string): uPlot.Axis[] {
  const axis = { stroke: colour("muted"), font, ticks: { show: false } };
  const bottom = {
    ...axis,
    size: 28,
    grid: { show: false },
    splits: (plot: uPlot) => splits(shown().buckets.length - 1, plot.width),
    values: (_plot: uPlot, numbers: number[]) => numbers.map((number) => label(shown(), number)),
  };
  const left = {
    ...axis,
    size: LEFT_PIXELS,
    grid: { stroke: colour("line"), width: 1 },
    incrs: WHOLE_STEPS,
    values: (_plot: uPlot, numbers: number[]) => numbers.map(shown().measure.tick),
  };
  return [bottom, left];
}

function splits(last: number, width: number): number[] {
  const step = Math.max(1, Math.ceil((last + 1) / Math.max(2, Math.floor(width / TICK_PIXELS))));
  const count = Math.floor(last / step) + 1;
  return Array.from({ length: count }, (_, number) => number * step);
}

function label({ buckets, interval, zone, isOneDay }: Series, number: number): string {
  const bucket = buckets[number];
  return bucket ? tick(bucket, interval, zone, isOneDay) : "";
}

function point(plot: uPlot, series: Shown, tip: HTMLElement): void {
  const { buckets, before, measure } = series;
  const bucket = buckets[plot.cursor.idx ?? -1];
  tip.hidden = !bucket;
  if (!bucket) return;
  const [people, bots] = byWhom(bucket);
  const lines =
    measure.key === "clicks"
      ? [el("span", { class: "people" }, people), el("span", { class: "bots" }, bots), ...followed(bucket)]
      : [el("span", { class: "people" }, `${labelOf(measure)}: ${measure.words(bucket)}`)];
  const earlier = before[plot.cursor.idx!];
  const then = earlier && el("small", {}, `${measure.words(earlier)} in the period before`);
  tip.replaceChildren(el("strong", {}, nameIn(series, bucket)), ...lines, ...(then ? [then] : []));
  const middle = plot.valToPos(plot.cursor.idx!, "x") + plot.bbox.left / devicePixelRatio;
  const room = plot.width - tip.offsetWidth;
  tip.style.transform = `translateX(${Math.max(0, Math.min(room, middle - tip.offsetWidth / 2))}px)`;
}

/** What followed the clicks, for the tip: nothing is said of what there was none of. */
function followed(bucket: Bucket): HTMLElement[] {
  const counts = [bucket.leads && `${number(bucket.leads)} leads`, bucket.sales && `${number(bucket.sales)} sales`];
  const lines = [counts.filter(Boolean).join(", "), amounts(bucket.revenue).join(", ")].filter(Boolean);
  return lines.map((line) => el("small", {}, line));
}
