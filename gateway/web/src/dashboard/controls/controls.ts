// The controls that select the data: period, interval, time zone, people or bots, and the filters in effect. Each
// section has those that apply to it.

import type { Interval, Named } from "../api/queries.ts";
import { el, freshId } from "../parts/dom.ts";
import { including, onlyValue, type Filters, type Who } from "../view/filters.ts";
import type { Names } from "../view/names.ts";
import type { Span } from "../view/spans.ts";
import { ownZone, type Range, type View } from "../view/view.ts";
import { knownZones } from "../view/zones.ts";
import { Chips } from "./chips.ts";
import { Choice, Dates, Segments } from "./fields.ts";

export type Control = "period" | "interval" | "who" | "program" | "zone";

const RANGE_WORDS: Record<Range, string> = {
  today: "Today",
  "7d": "7 days",
  "30d": "30 days",
  "90d": "90 days",
  month: "This month",
  "last-month": "Last month",
  "12m": "12 months",
  custom: "Custom",
};
const INTERVAL_WORDS: Record<Interval, string> = { HOUR: "Hours", DAY: "Days", WEEK: "Weeks", MONTH: "Months" };
const WHO_WORDS: Record<Who, string> = { all: "People and bots", people: "People only", bots: "Bots only" };

/** What the list of programs says if the filters are none of its choices. */
const SEVERAL: [string, string] = ["several", "Several programs"];

type Change = (patch: Partial<View>) => void;

export class Controls {
  readonly element: HTMLElement;
  private days: [string, string] = ["", ""];
  private readonly ranges = new Segments("Period", RANGE_WORDS, (range) => this.chooseRange(range));
  private readonly dates = new Dates((from, to) => this.change({ range: "custom", from, to }));
  private readonly interval = new Choice("Interval", (value) => this.change({ interval: value as Interval }));
  private readonly who = new Choice("Visitors", (value) => this.change({ who: value as Who }));
  private readonly program = new Choice("Program", (value) => this.change({ filters: this.ofProgram(value) }));
  private readonly zone = new Choice("Time zone", (value) => this.change({ zone: value }));
  readonly chips = new Chips((filters) => this.change({ filters }));
  private filters: Filters = [];
  private isWithoutPeriod = false;
  // Narrow screens show the rest of the controls on demand.
  private readonly choices = el("div", { class: "choice-fields", id: freshId() });
  private readonly more = el(
    "button",
    { type: "button", class: "more", "aria-expanded": "false", "aria-controls": this.choices.id, onclick: () => this.unfold() },
    "More options",
  );

  constructor(
    private readonly programs: Named[],
    private readonly change: Change,
  ) {
    this.who.offer(Object.entries(WHO_WORDS));
    this.zone.offer(zones().map((name) => [name, name.replaceAll("_", " ")]));
    const choices = [this.interval, this.who, this.program, this.zone].map((choice) => choice.element);
    this.choices.append(...choices);
    const row = el("div", { class: "row" }, this.ranges.element, this.more, this.choices);
    this.element = el("section", { class: "controls", "aria-label": "Filters" }, row, this.dates.element, this.chips.element);
  }

  /** Offer the controls of a section. */
  offer(controls: readonly Control[]): void {
    const isHidden = (control: Control) => !controls.includes(control);
    this.ranges.element.hidden = this.isWithoutPeriod = isHidden("period");
    this.interval.element.hidden = isHidden("interval");
    this.who.element.hidden = isHidden("who");
    this.program.element.hidden = isHidden("program") || this.programs.length < 2;
    this.zone.element.hidden = isHidden("zone");
    this.more.hidden = [this.interval, this.who, this.program, this.zone].every(({ element }) => element.hidden);
  }

  /** Show a view, with the names of what it is filtered by. */
  show(view: View, span: Span, names: Names): void {
    this.days = span.days;
    this.ranges.select(view.range);
    this.dates.element.hidden = true;
    if (view.range === "custom" && !this.isWithoutPeriod) this.dates.open(span.days);
    this.interval.offer(span.intervals.map((each) => [each, INTERVAL_WORDS[each]]));
    this.interval.select(span.interval);
    this.who.select(view.who);
    this.zone.select(view.zone);
    this.filters = view.filters;
    this.showProgram();
    this.chips.show(view.filters, names);
  }

  private unfold(): void {
    const isOpen = this.choices.classList.toggle("open");
    this.more.setAttribute("aria-expanded", String(isOpen));
    this.more.textContent = isOpen ? "Fewer options" : "More options";
  }

  private showProgram(): void {
    const only = onlyValue(this.filters, "PROGRAM");
    const isFiltered = this.filters.some(({ dimension }) => dimension === "PROGRAM");
    const choices = this.programs.map(({ id, name }): [string, string] => [id, name]);
    const isSeveral = isFiltered && !this.programs.some(({ id }) => id === only);
    this.program.offer([["", "All programs"], ...choices, ...(isSeveral ? [SEVERAL] : [])]);
    this.program.select(isSeveral ? SEVERAL[0] : (only ?? ""));
  }

  /** Return the filters for one program. Partners and links of another one would leave nothing to show. */
  private ofProgram(program: string): Filters {
    if (program === SEVERAL[0]) return this.filters;
    const others = this.filters.filter(({ dimension }) => !["PROGRAM", "PARTNER", "LINK"].includes(dimension));
    return program ? including(others, "PROGRAM", program) : others;
  }

  private chooseRange(range: Range): void {
    if (range === "custom") this.dates.open(this.days);
    else this.change({ range });
  }
}

function zones(): string[] {
  return [...new Set([ownZone(), "UTC", ...knownZones()])];
}
