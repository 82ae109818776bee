// The list of links, each with its URL, a button to copy it, and what it brought in.

import { ask, present } from "../api/api.ts";
import { LINKS, type Link, type LinksData, type Page } from "../api/queries.ts";
import { Choice } from "../controls/fields.ts";
import { copyButton } from "../parts/copy.ts";
import { el } from "../parts/dom.ts";
import { day } from "../parts/format.ts";
import type { Asked } from "../view/asked.ts";
import type { Filters } from "../view/filters.ts";
import { LINK_SORTS, sortingOf } from "../view/list-sorts.ts";
import type { Desk } from "../view/section.ts";
import type { View } from "../view/view.ts";
import { overviewOf } from "./drill.ts";
import { importButton, linkActions, newLinkButton } from "./link-actions.ts";
import { statusMarks } from "./link-marks.ts";
import { count, money, name, text } from "./list-cells.ts";
import { CONVERSIONS, OWNERS, listFilter, untaken } from "./list-filters.ts";
import { ListPanel, type ListKind } from "./list-panel.ts";
import { ListTools } from "./list-tools.ts";
import type { Position } from "./pager.ts";

export class LinksPanel {
  readonly element: HTMLElement;
  private readonly list: ListPanel<Link>;
  private readonly tools: ListTools;
  private readonly state: Choice;

  constructor(private readonly desk: Desk) {
    const { choose, columns, fail } = desk;
    this.state = new Choice("Status", (state) => choose({ state: (state || null) as View["state"] }));
    this.state.offer([["", "All"], ["active", "Active"], ["inactive", "Paused"]]);
    const hint = columns.partner ? "Code, URL or partner" : "Code or URL";
    this.tools = new ListTools(hint, LINK_SORTS, choose, this.state);
    this.list = new ListPanel(this.kind(), fail);
    this.element = this.list.element;
  }

  async load(asked: Asked, fromStart: boolean): Promise<void> {
    this.tools.show(asked.view);
    this.state.select(asked.view.state ?? "");
    await this.list.load(asked, fromStart);
  }

  private kind(): ListKind<Link> {
    return {
      ...{ title: "Links to share", words: ["link", "links"], name: "links", tools: this.tools.element },
      sorting: { sorts: LINK_SORTS, choose: this.desk.choose },
      buttons: this.desk.isPartner ? [] : [importButton(this.desk), newLinkButton(this.desk)],
      file: { list: "links", name: () => "links.csv", filter: filterOf },
      columns: ({ partner, program }) => [
        ["Link", "name"],
        ...(partner ? [["Partner", "name"] as const] : []),
        ...(program ? [["Program", "name"] as const] : []),
        ...["Clicks", "Leads", "Sales"].map((name) => [name, "count"] as const),
        ...["Revenue", "Commission"].map((name) => [name, "money"] as const),
        ["Last click", "date"],
      ],
      row: (link, asked) => row(link, asked, this.desk),
      read,
      untaken: left,
      empty: ({ view, columns }) => {
        if (view.search || view.state || view.filters.length) return "No links match.";
        return columns.partner ? "No links yet. Create one for a partner to publish." : "No links yet. Ask the program’s owner to create one.";
      },
    };
  }
}

/** Links are not confined by what is known of their clicks. */
function left(filters: Filters): Filters {
  return untaken(filters.filter(({ dimension }) => dimension in CONVERSIONS), OWNERS);
}

function filterOf({ view }: Asked): Record<string, unknown> {
  return {
    ...listFilter(view.filters, OWNERS),
    search: view.search || null,
    status: view.state?.toUpperCase() ?? null,
  };
}

async function read(position: Position, asked: Asked): Promise<Page<Link>> {
  const { field, direction } = sortingOf(LINK_SORTS, asked.view.sort);
  const variables = { ...position, filter: filterOf(asked), order: { field, direction } };
  return present((await ask<LinksData>(LINKS, variables, asked.signal)).referralLinks);
}

function row(link: Link, { view, columns }: Asked, desk: Desk): HTMLElement {
  const url = link.url ?? `Any page of the program’s site with ?aff=${link.code}`;
  const address = el("span", { class: "url cut", dir: "ltr", title: url }, url);
  const actions = linkActions(link, desk);
  const code = overviewOf(desk, { dimension: "LINK", value: link.id, words: link.code });
  return el(
    "tr",
    {},
    el(
      "th",
      { scope: "row" },
      el("div", { class: "code" }, code, ...statusMarks(link), actions),
      el("div", { class: "address" }, address, link.url && copyButton(link.url, `the URL of ${link.code}`)),
    ),
    columns.partner && name("Partner", link.partner?.name),
    columns.program && name("Program", link.program?.name),
    ...[count("Clicks", link.clicks), count("Leads", link.leadCount), count("Sales", link.saleCount)],
    ...[money("Revenue", link.revenue), money("Commission", link.earnings)],
    text("Last click", link.lastClicked ? day(link.lastClicked, view.zone) : "Never"),
  );
}
