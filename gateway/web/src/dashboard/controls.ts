// The controls that select the data: period, interval, time zone, people or bots, and the filters in effect.

import { el, unseen } from "./dom.ts";
import { Choice, Dates, Segments } from "./fields.ts";
import type { Interval, Named } from "./queries.ts";
import type { Span } from "./spans.ts";
import { ownZone, type Range, type View, type Who } from "./view.ts";

const RANGE_WORDS: Record<Range, string> = {
  today: "Today",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  "12m": "12 months",
  custom: "Custom",
};
const INTERVAL_WORDS: Record<Interval, string> = { HOUR: "Hours", DAY: "Days", WEEK: "Weeks", MONTH: "Months" };
const WHO_WORDS: Record<Who, string> = { all: "People and bots", people: "People only", bots: "Bots only" };

type Change = (patch: Partial<View>) => void;

export class Controls {
  readonly element: HTMLElement;
  private days: [string, string] = ["", ""];
  private readonly ranges = new Segments("Period", RANGE_WORDS, (range) => this.chooseRange(range));
  private readonly dates = new Dates((from, to) => this.change({ range: "custom", from, to }));
  private readonly interval = new Choice("Interval", (value) => this.change({ interval: value as Interval }));
  private readonly who = new Choice("Visitors", (value) => this.change({ who: value as Who }));
  private readonly program = new Choice("Program", (value) =>
    this.change({ program: value || null, partner: null, link: null }),
  );
  private readonly zone = new Choice("Time zone", (value) => this.change({ zone: value }));
  private readonly chips = el("div", { class: "chips" });

  constructor(
    programs: Named[],
    private readonly change: Change,
  ) {
    this.who.offer(Object.entries(WHO_WORDS));
    this.zone.offer(zones().map((name) => [name, name.replaceAll("_", " ")]));
    this.program.offer([["", "All programs"], ...programs.map(({ id, name }): [string, string] => [id, name])]);
    this.program.element.hidden = programs.length < 2;
    const choices = [this.interval, this.who, this.program, this.zone].map((choice) => choice.element);
    const row = el("div", { class: "row" }, this.ranges.element, ...choices);
    this.element = el("section", { class: "controls", "aria-label": "Filters" }, row, this.dates.element, this.chips);
  }

  /** Show a view, with the names of the partner and the link that it is filtered by. */
  show(view: View, span: Span, confined: { partner: string | null; link: string | null }): void {
    this.days = span.days;
    this.ranges.select(view.range);
    this.dates.element.hidden = true;
    if (view.range === "custom") this.dates.open(span.days);
    this.interval.offer(span.intervals.map((each) => [each, INTERVAL_WORDS[each]]));
    this.interval.select(span.interval);
    this.who.select(view.who);
    this.zone.select(view.zone);
    this.program.select(view.program ?? "");
    this.chips.replaceChildren(
      ...(confined.partner === null ? [] : [chip("partner", confined.partner, () => this.change({ partner: null }))]),
      ...(confined.link === null ? [] : [chip("link", confined.link, () => this.change({ link: null }))]),
    );
  }

  private chooseRange(range: Range): void {
    if (range === "custom") this.dates.open(this.days);
    else this.change({ range });
  }
}

function chip(kind: string, name: string, remove: () => void): HTMLElement {
  const cross = el("span", { "aria-hidden": "true" }, "×");
  return el("button", { type: "button", class: "chip", onclick: remove }, `Only ${kind} ${name} `, cross, unseen("(remove filter)"));
}

function zones(): string[] {
  return [...new Set([ownZone(), "UTC", ...Intl.supportedValuesOf("timeZone")])];
}
