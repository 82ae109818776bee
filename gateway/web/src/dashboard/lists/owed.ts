// The list of what is to be paid, each with a button to record that it was, and a file of it for the bank.

import { ask, present } from "../api/api.ts";
import { OWED, type Owed, type OwedData } from "../api/payout-queries.ts";
import type { Page } from "../api/queries.ts";
import { demanding } from "../parts/code.ts";
import { csv, save, type Cell } from "../parts/csv.ts";
import { el, unseen } from "../parts/dom.ts";
import { payable } from "../parts/money.ts";
import type { Asked } from "../view/asked.ts";
import type { Filters } from "../view/filters.ts";
import type { Desk } from "../view/section.ts";
import { overviewOf } from "./drill.ts";
import { money, name } from "./list-cells.ts";
import { OWNERS, listFilter, untaken } from "./list-filters.ts";
import { ListPanel, type Heading, type ListKind } from "./list-panel.ts";
import type { Position } from "./pager.ts";

/** The most rows that the API has on a page. */
const MOST = 100;
const FILE = ["partner_id", "partner", "email", "program", "amount", "currency"];

export class OwedPanel {
  readonly element: HTMLElement;
  private readonly list: ListPanel<Owed>;
  private asked: Asked | null = null;

  constructor(private readonly desk: Desk) {
    this.list = new ListPanel(this.kind(), desk.fail);
    this.element = this.list.element;
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.asked = asked;
    await this.list.load(asked, isNew);
  }

  private kind(): ListKind<Owed> {
    const keep = () => void this.keep().catch(this.desk.fail);
    const file = el("button", { type: "button", class: "quiet save", onclick: keep }, "CSV", unseen(" of what is to be paid"));
    return {
      ...{ title: "To be paid", words: ["partner", "partners"], name: "owed", tools: el("div") },
      buttons: [file],
      columns: ({ program }): Heading[] => [
        ["Partner", "name"],
        ...(program ? [["Program", "name"] as const] : []),
        ["To be paid", "money"],
        ["Payout", "count"],
      ],
      row: (owed, asked) => row(owed, asked, this.desk),
      read,
      untaken: left,
      empty: () => "Nothing is to be paid. Commissions are, once their hold is over or once you approve them.",
    };
  }

  /** Save a file with a line for each partner and currency. */
  private async keep(): Promise<void> {
    if (!this.asked) return;
    const lines: Cell[][] = [FILE];
    let after: string | null = null;
    do {
      const { nodes, pageInfo }: Page<Owed> = await read({ first: MOST, after }, this.asked);
      lines.push(...nodes.flatMap(linesOf));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after);
    save("to-be-paid.csv", new Blob([csv(lines)], { type: "text/csv" }));
  }
}

function linesOf({ partner, program, balance }: Owed): Cell[][] {
  return payable(balance).map(({ formatted, currency }) => {
    const amount = formatted.split(" ")[0]!;
    return [partner.databaseId, partner.name, partner.email, program.name, amount, currency];
  });
}

/** What is owed is not confined by what is known of clicks. */
function left(filters: Filters): Filters {
  return untaken(filters.filter(({ dimension }) => dimension in OWNERS), OWNERS);
}

async function read(position: Position, { view, signal }: Asked): Promise<Page<Owed>> {
  const filter = { ...listFilter(view.filters, OWNERS), isOwed: true };
  return present((await ask<OwedData>(OWED, { ...position, filter }, signal)).partnerPrograms);
}

function row(owed: Owed, { columns }: Asked, desk: Desk): HTMLElement {
  const { partner, program, balance } = owed;
  const record = demanding(() => import("../forms/payout-form.ts"), ({ recordPayout }) => recordPayout(desk, owed), desk.fail);
  const key = { "data-focus": `pay ${program.id} ${partner.id}` };
  const button = el("button", { type: "button", class: "quiet copy", onclick: record, ...key }, "Record a payout", unseen(` to ${partner.name}`));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, overviewOf(desk, { dimension: "PARTNER", value: partner.id, words: partner.name })),
    columns.program && name("Program", program.name),
    money("To be paid", balance),
    el("td", { class: "name number", "data-label": "Payout" }, payable(balance).length ? button : "–"),
  );
}
