// What was paid to partners, and for owners also what is to be paid.

import { ask, present } from "../api/api.ts";
import { PAYOUTS, type Payout, type PayoutsData } from "../api/payout-queries.ts";
import type { Page } from "../api/queries.ts";
import { money, name } from "../lists/list-cells.ts";
import { OWNERS, listFilter, untaken } from "../lists/list-filters.ts";
import { ListPanel, type Heading, type ListKind } from "../lists/list-panel.ts";
import { OwedPanel } from "../lists/owed.ts";
import type { Position } from "../lists/pager.ts";
import { el } from "../parts/dom.ts";
import { day } from "../parts/format.ts";
import type { Asked } from "../view/asked.ts";
import type { Filters } from "../view/filters.ts";
import type { Desk, Section } from "../view/section.ts";

export default class Payouts implements Section {
  readonly element: HTMLElement;
  private readonly owed: OwedPanel | null;
  private readonly list: ListPanel<Payout>;

  constructor(desk: Desk) {
    this.owed = desk.isPartner ? null : new OwedPanel(desk);
    this.list = new ListPanel(KIND, desk.fail);
    this.element = this.owed ? el("div", { class: "panels" }, this.owed.element, this.list.element) : this.list.element;
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    await Promise.all([this.owed?.load(asked, isNew), this.list.load(asked, isNew)]);
  }
}

const KIND: ListKind<Payout> = {
  ...{ title: "Payouts", words: ["payout", "payouts"], name: "payouts", tools: el("div") },
  file: { list: "payouts", name: () => "payouts.csv", filter: filterOf },
  columns: ({ partner, program }): Heading[] => [
    ["Recorded", "name"],
    ...(partner ? [["Partner", "name"] as const] : []),
    ...(program ? [["Program", "name"] as const] : []),
    ["Note", "name"],
    ["Amount", "money"],
  ],
  row,
  read,
  untaken: left,
  empty: ({ view, columns }) => {
    if (view.filters.length) return "No payouts match.";
    return columns.partner ? "No payouts yet. Record what you pay, and it is taken off what is to be paid." : "No payouts yet.";
  },
};

/** Payouts are not confined by what is known of clicks. */
function left(filters: Filters): Filters {
  return untaken(filters.filter(({ dimension }) => dimension in OWNERS), OWNERS);
}

function filterOf({ view }: Asked): Record<string, unknown> {
  return listFilter(view.filters, OWNERS);
}

async function read(position: Position, asked: Asked): Promise<Page<Payout>> {
  const variables = { ...position, filter: filterOf(asked) };
  return present((await ask<PayoutsData>(PAYOUTS, variables, asked.signal)).payouts);
}

function row({ createdAt, partner, program, note, amount }: Payout, { view, columns }: Asked): HTMLElement {
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("time", { datetime: createdAt }, day(createdAt, view.zone))),
    columns.partner && name("Partner", partner.name),
    columns.program && name("Program", program.name),
    name("Note", note),
    money("Amount", [amount]),
  );
}
