// The partners, with what each brought in and is owed.

import { ask, present } from "../api/api.ts";
import { MEMBERS, type Member, type MembersData } from "../api/member-queries.ts";
import type { Page } from "../api/queries.ts";
import { overviewOf } from "../lists/drill.ts";
import { count, money, name, text } from "../lists/list-cells.ts";
import { OWNERS, listFilter, untaken } from "../lists/list-filters.ts";
import { ListPanel, type ListKind } from "../lists/list-panel.ts";
import { ListTools } from "../lists/list-tools.ts";
import { PagedFile, type Progress } from "../lists/paged-file.ts";
import type { Position } from "../lists/pager.ts";
import { newPartnerButton, partnerActions, suspensionMark } from "../lists/partner-actions.ts";
import { loadedCode } from "../parts/code.ts";
import type { Cell } from "../parts/csv.ts";
import { el } from "../parts/dom.ts";
import { day } from "../parts/format.ts";
import type { Asked } from "../view/asked.ts";
import type { Filters } from "../view/filters.ts";
import { PARTNER_SORTS, sortingOf } from "../view/list-sorts.ts";
import type { Desk, Section } from "../view/section.ts";

export default class Partners implements Section {
  readonly element: HTMLElement;
  private readonly list: ListPanel<Member>;
  private readonly tools: ListTools;
  private readonly file: PagedFile;

  constructor(private readonly desk: Desk) {
    this.file = new PagedFile({ of: "partners", name: () => "partners.csv", read: lines }, desk.fail);
    this.tools = new ListTools("Name", PARTNER_SORTS, desk.choose);
    this.list = new ListPanel(this.kind(), desk.fail);
    this.element = this.list.element;
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.tools.show(asked.view);
    this.file.offer(asked);
    await this.list.load(asked, isNew);
  }

  turn(asked: Asked): Promise<void> {
    return this.load(asked, true);
  }

  private kind(): ListKind<Member> {
    const tools = el("div", {}, this.file.status, this.tools.element);
    return {
      ...{ title: "Partners", words: ["partner", "partners"], name: "partners", tools },
      sorting: { sorts: PARTNER_SORTS, choose: this.desk.choose },
      buttons: [this.file.button, newPartnerButton(this.desk)],
      columns: ({ program }) => [
        ["Partner", "name"],
        ...(program ? [["Program", "name"] as const] : []),
        ...["Clicks", "Leads", "Sales"].map((name) => [name, "count"] as const),
        ...["Revenue", "Commission", "To be paid"].map((name) => [name, "money"] as const),
        ["Last click", "date"],
      ],
      row: (member, asked) => row(member, asked, this.desk),
      read,
      untaken: left,
      empty: ({ view }) => (view.search || view.filters.length ? "No partners match." : "No partners yet. Create the first one."),
    };
  }
}

/** Partners are not confined by what is known of their clicks. */
function left(filters: Filters): Filters {
  return untaken(filters.filter(({ dimension }) => dimension in OWNERS), OWNERS);
}

function filterOf({ view }: Asked): Record<string, unknown> {
  return { ...listFilter(view.filters, OWNERS), search: view.search || null };
}

async function* lines(asked: Asked, progress: Progress, signal: AbortSignal): AsyncGenerator<Cell[][]> {
  const { allMembers } = await loadedCode(() => import("../lists/member-file.ts"));
  yield await allMembers(filterOf(asked), { signal }, progress);
}

async function read(position: Position, asked: Asked): Promise<Page<Member>> {
  const { field, direction } = sortingOf(PARTNER_SORTS, asked.view.sort);
  const variables = { ...position, filter: filterOf(asked), order: { field, direction } };
  return present((await ask<MembersData>(MEMBERS, variables, asked.signal)).partnerPrograms);
}

function row(member: Member, { view, columns }: Asked, desk: Desk): HTMLElement {
  const { partner, program, lastClickedAt } = member;
  const overview = overviewOf(desk, { dimension: "PARTNER", value: partner.id, words: partner.name });
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("div", { class: "code" }, overview, ...suspensionMark(member, desk), partnerActions(member, view.zone, desk))),
    columns.program && name("Program", program.name),
    ...[count("Clicks", member.clicks), count("Leads", member.leadCount), count("Sales", member.saleCount)],
    ...[money("Revenue", member.revenue), money("Commission", member.earnings), money("To be paid", member.balance)],
    text("Last click", lastClickedAt ? day(lastClickedAt, view.zone) : "Never"),
  );
}
