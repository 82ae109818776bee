// Whom the clicks brought: visitors, those who signed up, and those who bought something.

import { ask, present } from "../api/api.ts";
import { CUSTOMERS, type Customer, type CustomersData } from "../api/member-queries.ts";
import type { Page } from "../api/queries.ts";
import { Segments } from "../controls/fields.ts";
import { cut, money, name, text } from "../lists/list-cells.ts";
import { CONVERSIONS, listFilter, untaken } from "../lists/list-filters.ts";
import { ListPanel, type ListKind } from "../lists/list-panel.ts";
import { ListTools } from "../lists/list-tools.ts";
import type { Position } from "../lists/pager.ts";
import { el } from "../parts/dom.ts";
import { dateTime } from "../parts/format.ts";
import type { Asked } from "../view/asked.ts";
import { CUSTOMER_SORTS, sortingOf } from "../view/list-sorts.ts";
import type { Desk, Section } from "../view/section.ts";
import type { View } from "../view/view.ts";

type Stage = NonNullable<View["stage"]> | "all";

const STAGES: Record<Stage, string> = { all: "Everyone", click: "Visitors only", lead: "Signed up", conversion: "Bought" };
const REACHED: Record<Customer["customerStatus"], string> = { click: "Visited", lead: "Signed up", conversion: "Bought" };

export default class Customers implements Section {
  readonly element: HTMLElement;
  private readonly list: ListPanel<Customer>;
  private readonly stages: Segments<Stage>;
  private readonly tools: ListTools;

  constructor(private readonly desk: Desk) {
    const { choose, fail } = desk;
    this.stages = new Segments<Stage>("Stage", STAGES, (stage) => choose({ stage: stage === "all" ? null : stage }));
    this.tools = new ListTools("Customer key", CUSTOMER_SORTS, choose, this.stages);
    this.list = new ListPanel(this.kind(), fail);
    this.element = this.list.element;
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.stages.select(asked.view.stage ?? "all");
    this.tools.show(asked.view);
    await this.list.load(asked, isNew);
  }

  turn(asked: Asked): Promise<void> {
    return this.load(asked, true);
  }

  private kind(): ListKind<Customer> {
    const tools = this.tools.element;
    return {
      ...{ title: "Customers", words: ["customer", "customers"], name: "customers", tools },
      tally: ({ view }) => (view.search ? ["with this key", "with this key"] : ["in this period", "in this period"]),
      sorting: { sorts: CUSTOMER_SORTS, choose: this.desk.choose },
      file: { list: "customers", name: ({ span }) => `customers-${span.days.join("-to-")}.csv`, filter: filterOf },
      columns: ({ program }) => [
        ["Customer", "name"],
        ["Stage", "date"],
        ["Link", "name"],
        ["Partner", "name"],
        ...(program ? [["Program", "name"] as const] : []),
        ["First click", "date"],
        ["Latest click", "date"],
        ["Revenue", "money"],
      ],
      row,
      read,
      untaken: (filters) => untaken(filters, CONVERSIONS),
      empty: ({ view }) => nobody(view),
    };
  }
}

function nobody({ search, stage, filters }: View): string {
  if (search) return stage || filters.length ? "No customer with this key matches." : "No customer has this key.";
  return stage || filters.length ? "Nobody matches in this period." : "Nobody came in this period.";
}

/** Whoever knows a customer's key looks for that customer, whenever the customer came. */
function filterOf({ view, span }: Asked): Record<string, unknown> {
  const period = view.search ? { customerKey: view.search } : { createdFrom: span.from, createdTo: span.to };
  return { ...listFilter(view.filters, CONVERSIONS), ...period, customerStatus: view.stage };
}

async function read(position: Position, asked: Asked): Promise<Page<Customer>> {
  const { field, direction } = sortingOf(CUSTOMER_SORTS, asked.view.sort);
  const variables = { ...position, filter: filterOf(asked), order: { field, direction } };
  return present((await ask<CustomersData>(CUSTOMERS, variables, asked.signal)).customers);
}

function row(customer: Customer, { view, columns }: Asked): HTMLElement {
  const { customerKey, emailMask, databaseId } = customer;
  const words = customerKey ?? emailMask ?? `Visitor ${databaseId}`;
  const mask = customerKey && emailMask && el("small", {}, emailMask);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, cut(words), mask),
    text("Stage", REACHED[customer.customerStatus]),
    name("Link", customer.referralLink?.code),
    name("Partner", customer.partner.name),
    columns.program && name("Program", customer.program.name),
    text("First click", dateTime(customer.createdAt, view.zone)),
    text("Latest click", dateTime(customer.lastClickAt, view.zone)),
    money("Revenue", customer.revenue),
  );
}
