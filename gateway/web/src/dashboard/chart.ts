// Clicks over time, as a bar chart and as a table with the same figures, which screen readers can use.

import uPlot from "uplot";
import { download } from "./csv.ts";
import { el } from "./dom.ts";
import { bucketName, capitalised, compact, number, tick } from "./format.ts";
import { amounts } from "./money.ts";
import { panel } from "./panel.ts";
import type { Bucket, Interval } from "./queries.ts";

export interface Series {
  buckets: Bucket[];
  interval: Interval;
  zone: string;
  isOneDay: boolean;
  /** The span in file names, such as `2026-11-01-to-2026-11-30`. */
  name: string;
}

const NOTHING = "No clicks in this period.";
const NOTHING_YET = "No clicks in this period yet. Clicks on the links below appear here as they arrive.";
const HEIGHT = 260;
const TICK_PIXELS = 72;
// The axis counts clicks, so its steps are whole numbers.
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((zeros) => [1, 2, 5].map((step) => step * 10 ** zeros));
const PER: Record<Interval, string> = { HOUR: "hour", DAY: "day", WEEK: "week", MONTH: "month" };

type Colour = (name: string) => string;

export class ChartPanel {
  readonly element: HTMLElement;
  private shown: Series | null = null;
  private plot: uPlot | null = null;
  private readonly canvas = el("div", { class: "plot", role: "img", "aria-label": "Loading" });
  private readonly tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  private readonly nothing = el("p", { class: "nothing", hidden: true });
  private readonly table = el("div", {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": "Clicks over time, table",
  });

  constructor() {
    const details = el("details", {}, el("summary", {}, "Show as table"), this.table);
    const chart = el("div", { class: "chart" }, this.canvas, this.tip, this.nothing);
    this.element = panel("Clicks over time", { save: () => this.save(), note: legend() }, chart, details);
    new ResizeObserver(() => this.plot?.width !== this.canvas.clientWidth && this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(series: Series): void {
    this.shown = series;
    this.canvas.setAttribute("aria-label", inWords(series));
    this.table.replaceChildren(tableOf(series));
    this.nothing.hidden = series.buckets.some((bucket) => bucket.clicks > 0);
    this.nothing.textContent = Date.parse(series.buckets.at(-1)!.end) > Date.now() ? NOTHING_YET : NOTHING;
    this.draw();
  }

  private draw(): void {
    this.plot?.destroy();
    this.plot =
      this.shown && this.canvas.clientWidth
        ? new uPlot(options(this.shown, this.canvas, this.tip), data(this.shown), this.canvas)
        : null;
  }

  private save(): void {
    if (this.shown) download(`clicks-over-time-${this.shown.name}.csv`, rows(this.shown));
  }
}

function legend(): HTMLElement {
  const [people, bots] = [el("span", { class: "people" }, "People"), el("span", { class: "bots" }, "Bots")];
  return el("p", { class: "legend", "aria-hidden": "true" }, people, bots);
}

function inWords({ buckets, interval, zone }: Series): string {
  const most = buckets.reduce((best, bucket) => (bucket.clicks > best.clicks ? bucket : best), buckets[0]!);
  const words = `Bar chart of clicks by ${PER[interval]}.`;
  if (!most.clicks) return `${words} No clicks.`;
  const peak = bucketName(most, interval, zone);
  return `${words} Peak: ${peak}, ${number(most.people)} by people and ${number(most.bots)} by bots.`;
}

// The x axis numbers the buckets instead of measuring time, so that months and 23-hour days get bars of equal width.
function data({ buckets }: Series): uPlot.AlignedData {
  return [buckets.map((_, number) => number), buckets.map((each) => each.clicks), buckets.map((each) => each.people)];
}

function options(series: Series, canvas: HTMLElement, tip: HTMLElement): uPlot.Options {
  const styles = getComputedStyle(canvas);
  const colour: Colour = (name) => styles.getPropertyValue(`--${name}`).trim();
  const paths = uPlot.paths.bars!({ size: [0.72, 48], radius: [0.15, 0] });
  const bar = (name: string) => ({ paths, fill: colour(name), stroke: colour(name), width: 0, points: { show: false } });
  const last = series.buckets.length - 1;
  return {
    width: canvas.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [12, 0, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: [-0.5, last + 0.5] },
      y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.08)] },
    },
    // The bar of all clicks is drawn first and that of people on top of it, so the visible rest is the bots.
    series: [{}, bar("bots"), bar("people")],
    axes: axes(series, colour, `12px ${styles.fontFamily}`),
    hooks: { setCursor: [(plot) => point(plot, series, tip)] },
  };
}

function axes(series: Series, colour: Colour, font: string): uPlot.Axis[] {
  const axis = { stroke: colour("muted"), font, ticks: { show: false } };
  const bottom = {
    ...axis,
    size: 28,
    grid: { show: false },
    splits: (plot: uPlot) => splits(series.buckets.length - 1, plot.width),
    values: (_plot: uPlot, numbers: number[]) => numbers.map((number) => label(series, number)),
  };
  const left = {
    ...axis,
    size: 44,
    grid: { stroke: colour("line"), width: 1 },
    incrs: WHOLE_STEPS,
    values: (_plot: uPlot, numbers: number[]) => numbers.map(compact),
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

function point(plot: uPlot, { buckets, interval, zone }: Series, tip: HTMLElement): void {
  const bucket = buckets[plot.cursor.idx ?? -1];
  tip.hidden = !bucket;
  if (!bucket) return;
  tip.replaceChildren(
    el("strong", {}, bucketName(bucket, interval, zone)),
    el("span", { class: "people" }, `${number(bucket.people)} by people`),
    el("span", { class: "bots" }, `${number(bucket.bots)} by bots`),
    ...followed(bucket).map((line) => el("small", {}, line)),
  );
  const middle = plot.valToPos(plot.cursor.idx!, "x") + plot.bbox.left / devicePixelRatio;
  const room = plot.width - tip.offsetWidth;
  tip.style.transform = `translateX(${Math.max(0, Math.min(room, middle - tip.offsetWidth / 2))}px)`;
}

/** What followed the clicks, for the tip: nothing is said of what there was none of. */
function followed(bucket: Bucket): string[] {
  const counts = [bucket.leads && `${number(bucket.leads)} leads`, bucket.sales && `${number(bucket.sales)} sales`];
  return [counts.filter(Boolean).join(", "), amounts(bucket.revenue).join(", ")].filter(Boolean);
}

function tableOf({ buckets, interval, zone }: Series): HTMLElement {
  const names = [capitalised(PER[interval]), "People", "Bots", "All clicks", "Leads", "Sales", "Revenue", "Commission"];
  const head = names.map((name, number) => el("th", { scope: "col", class: number ? "number" : false }, name));
  const body = buckets.map((each) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, bucketName(each, interval, zone)),
      ...[each.people, each.bots, each.clicks, each.leads, each.sales].map((value) =>
        el("td", { class: "number" }, number(value)),
      ),
      ...[each.revenue, each.earnings].map((money) =>
        el("td", { class: "number money" }, amounts(money).join(", ") || "–"),
      ),
    ),
  );
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
}

function rows({ buckets }: Series): (string | number)[][] {
  return [
    ["start", "end", "people", "bots", "clicks", "leads", "sales", "revenue", "commission"],
    ...buckets.map((each) => [
      ...[each.start, each.end, each.people, each.bots, each.clicks, each.leads, each.sales],
      ...[amounts(each.revenue).join("; "), amounts(each.earnings).join("; ")],
    ]),
  ];
}
