// What is shown: the time, its division and zone, whose clicks, and what they are confined to.

import { Temporal } from "temporal-polyfill";
import { el, freshId, unseen } from "./dom.ts";
import type { Interval, Named } from "./queries.ts";
import { FIRST_DAY, type Span } from "./spans.ts";
import { RANGES, ownZone, type Range, type View, type Who } from "./view.ts";

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
const LAST_DAY = "2998-12-31";

export interface Controls {
  element: HTMLElement;
  show(view: View, span: Span, confined: { partner: string | null; link: string | null }): void;
}

export function controls(programs: Named[], change: (patch: Partial<View>) => void): Controls {
  const ranges = rangeChoice((range) => (range === "custom" ? openDates() : change({ range })));
  const dates = dateFields((from, to) => change({ range: "custom", from, to }));
  const interval = choice("Per", (value) => change({ interval: value as Interval }));
  const who = choice("Who", (value) => change({ who: value as Who }), Object.entries(WHO_WORDS));
  const zone = choice("Time zone", (value) => change({ zone: value }), zones().map((name) => [name, name.replaceAll("_", " ")]));
  const program = choice("Program", (value) => change({ program: value || null, partner: null, link: null }), [
    ["", "All programs"],
    ...programs.map(({ id, name }): [string, string] => [id, name]),
  ]);
  program.element.hidden = programs.length < 2;
  const chips = el("div", { class: "chips" });
  let shownDays: [string, string] = ["", ""];

  function openDates(): void {
    dates.open(...shownDays);
  }
  return {
    element: el(
      "section",
      { class: "controls", "aria-label": "What is shown" },
      el("div", { class: "row" }, ranges.element, interval.element, who.element, program.element, zone.element),
      dates.element,
      chips,
    ),
    show(view, span, confined) {
      shownDays = span.days;
      ranges.show(view.range);
      if (view.range === "custom") dates.open(...span.days);
      else dates.element.hidden = true;
      interval.options(span.intervals.map((each) => [each, INTERVAL_WORDS[each]]));
      interval.select(span.interval);
      who.select(view.who);
      zone.select(view.zone);
      program.select(view.program ?? "");
      chips.replaceChildren(
        ...(confined.partner === null ? [] : [chip("partner", confined.partner, () => change({ partner: null }))]),
        ...(confined.link === null ? [] : [chip("link", confined.link, () => change({ link: null }))]),
      );
    },
  };
}

function rangeChoice(choose: (range: Range) => void) {
  const group = freshId();
  const inputs = RANGES.map((range) =>
    el("input", { type: "radio", name: group, id: `${group}-${range}`, value: range, onchange: () => choose(range) }),
  );
  const labels = inputs.map((input, number) =>
    el("span", {}, input, el("label", { for: input.id }, RANGE_WORDS[RANGES[number]!])),
  );
  return {
    element: el("fieldset", { class: "segments" }, el("legend", { class: "unseen" }, "Time"), ...labels),
    show: (range: Range) => inputs.forEach((input) => (input.checked = input.value === range)),
  };
}

function dateFields(choose: (from: string, to: string) => void) {
  const [first, last, problem] = [freshId(), freshId(), freshId()];
  const field = (id: string) => el("input", { id, type: "date", min: FIRST_DAY, max: LAST_DAY, required: true });
  const [from, to] = [field(first), field(last)];
  const trouble = el("span", { id: problem, class: "problem", role: "alert" });
  const submit = (event: Event) => {
    event.preventDefault();
    trouble.textContent = from.value <= to.value ? "" : "The first day is after the last.";
    if (!trouble.textContent) choose(from.value, to.value);
  };
  const element = el(
    "form",
    { class: "dates", hidden: true, onsubmit: submit, "aria-label": "Custom time" },
    el("label", { for: first }, "From"),
    from,
    el("label", { for: last }, "to"),
    to,
    el("button", { type: "submit" }, "Show"),
    trouble,
  );
  return {
    element,
    open(start: string, end: string) {
      element.hidden = false;
      trouble.textContent = "";
      [from.value, to.value] = [start, end];
    },
  };
}

function choice(label: string, choose: (value: string) => void, start: [string, string][] = []) {
  const id = freshId();
  const select = el("select", { id, onchange: () => choose(select.value) });
  const options = (pairs: [string, string][]) =>
    select.replaceChildren(...pairs.map(([value, words]) => el("option", { value }, words)));
  options(start);
  return {
    element: el("div", { class: "choice-field" }, el("label", { for: id }, label), select),
    options,
    select(value: string) {
      // Such as a zone that the browser knows by another name.
      if (![...select.options].some((option) => option.value === value)) select.append(el("option", { value }, value));
      select.value = value;
    },
  };
}

function chip(kind: string, name: string, remove: () => void): HTMLElement {
  return el(
    "button",
    { type: "button", class: "chip", onclick: remove },
    `Only ${kind} ${name} `,
    el("span", { "aria-hidden": "true" }, "×"),
    unseen("(show all again)"),
  );
}

function zones(): string[] {
  return [...new Set([ownZone(), Temporal.Now.timeZoneId(), "UTC", ...Intl.supportedValuesOf("timeZone")])];
}
