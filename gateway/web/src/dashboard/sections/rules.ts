// What sales and leads earn: the commission rules, in words.

import { ask, present } from "../api/api.ts";
import type { Page } from "../api/queries.ts";
import { RULES, type Rule, type RulesData } from "../api/rule-queries.ts";
import { Segments } from "../controls/fields.ts";
import { cut, name } from "../lists/list-cells.ts";
import { OWNERS, listFilter, untaken } from "../lists/list-filters.ts";
import { ListPanel, type Heading, type ListKind } from "../lists/list-panel.ts";
import type { Position } from "../lists/pager.ts";
import { demanding } from "../parts/code.ts";
import { el } from "../parts/dom.ts";
import { day } from "../parts/format.ts";
import { menuButton } from "../parts/menu.ts";
import { ruleSentence } from "../parts/rule-words.ts";
import type { Asked } from "../view/asked.ts";
import type { Filters } from "../view/filters.ts";
import type { Desk, Section } from "../view/section.ts";
import type { View } from "../view/view.ts";

type Force = NonNullable<View["force"]> | "all";

const FORCES: Record<Force, string> = { all: "All", now: "In force", other: "Ended or planned" };
const ALL_PARTNERS = "All partners";
const form = () => import("../forms/rule-form.ts");

export default class Rules implements Section {
  readonly element: HTMLElement;
  private readonly list: ListPanel<Rule>;
  private readonly forces: Segments<Force>;

  constructor(private readonly desk: Desk) {
    this.forces = new Segments<Force>("Rules", FORCES, (force) => desk.choose({ force: force === "all" ? null : force }));
    this.list = new ListPanel(this.kind(), desk.fail);
    this.element = this.list.element;
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.forces.select(asked.view.force ?? "all");
    await this.list.load(asked, isNew);
  }

  turn(asked: Asked): Promise<void> {
    return this.load(asked, true);
  }

  private kind(): ListKind<Rule> {
    const tools = el("div", { class: "choices" }, this.forces.element);
    const create = demanding(form, ({ createRule }) => createRule(this.desk), this.desk.fail);
    const button = () => el("button", { type: "button", class: "primary", onclick: create, "data-focus": "new rule" }, "New rule");
    return {
      ...{ title: "Commission rules", words: ["rule", "rules"], name: "rules", tools },
      buttons: this.desk.isPartner ? [] : [button()],
      columns: ({ partner, program }): Heading[] => [
        ["Rule", "name"],
        ...(partner ? [["For", "name"] as const] : []),
        ...(program ? [["Program", "name"] as const] : []),
        ["In force", "name"],
      ],
      row: (rule, asked) => row(rule, asked, this.desk),
      read,
      untaken: left,
      empty: ({ view, columns }) => {
        if (view.force || view.filters.length) return "No rules match.";
        return columns.partner ? "No rules yet, so nothing is earned. Create one to say what partners earn." : "No rules yet.";
      },
    };
  }
}

/** Rules are not confined by what is known of clicks. */
function left(filters: Filters): Filters {
  return untaken(filters.filter(({ dimension }) => dimension in OWNERS), OWNERS);
}

async function read(position: Position, { view, signal }: Asked): Promise<Page<Rule>> {
  const filter = { ...listFilter(view.filters, OWNERS), isInForce: view.force && view.force === "now" };
  return present((await ask<RulesData>(RULES, { ...position, filter }, signal)).commissionRules);
}

function row(rule: Rule, { view, columns }: Asked, desk: Desk): HTMLElement {
  const { partner, program, effectiveFrom, effectiveTo } = rule;
  const sentence = ruleSentence(rule);
  const now = Date.now();
  const hasEnded = effectiveTo !== null && Date.parse(effectiveTo) <= now;
  const isComing = !hasEnded && Date.parse(effectiveFrom) > now;
  const badge = (hasEnded || isComing) && el("span", { class: "badge" }, hasEnded ? "ended" : "planned");
  const end = demanding(form, ({ endRule }) => endRule(desk, rule), desk.fail);
  const actions = !desk.isPartner && !hasEnded && menuButton(sentence, rule.id, [{ words: "End", run: end }]);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("div", { class: "code" }, cut(sentence), badge, actions)),
    columns.partner && name("For", partner?.name ?? ALL_PARTNERS),
    columns.program && name("Program", program.name),
    name("In force", timeOf(effectiveFrom, effectiveTo, view.zone)),
  );
}

function timeOf(from: string, to: string | null, zone: string): string {
  if (to === from) return "never";
  const begins = day(from, zone);
  return to === null ? `since ${begins}` : `${begins} to ${day(to, zone)}`;
}
