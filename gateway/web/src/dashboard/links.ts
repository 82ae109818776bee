// The table of links, each with its URL and a button to copy it.

import { ask, present } from "./api.ts";
import type { Asked } from "./clicks.ts";
import { copyButton } from "./copy.ts";
import { el, withRoles } from "./dom.ts";
import { day, number } from "./format.ts";
import { CONVERSIONS, FiltersNote, OWNERS, listFilter, untaken } from "./list-filters.ts";
import { ListFile, type Listed } from "./list-file.ts";
import { panel } from "./panel.ts";
import { LINKS, type Link, type LinksData } from "./queries.ts";

const PAGE = 10;

export class LinksPanel {
  readonly element: HTMLElement;
  private links: Link[] = [];
  private listed: Listed | null = null;
  private more: (() => Promise<void>) | null = null;
  private readonly body = el("tbody");
  private readonly partnerHead = el("th", { scope: "col" }, "Partner");
  private readonly table: HTMLTableElement;
  private readonly empty = el("p", { class: "empty", hidden: true });
  private readonly button: HTMLElement;
  private readonly note = new FiltersNote("links");

  constructor(onError: (error: unknown) => void) {
    const head = el("tr", {}, ...["Code", "URL"].map((name) => el("th", { scope: "col" }, name)), this.partnerHead);
    head.append(el("th", { scope: "col", class: "number" }, "Total clicks"), el("th", { scope: "col" }, "Last click"));
    this.table = el("table", { class: "stacked links", hidden: true }, el("thead", {}, head), this.body);
    const next = () => void this.more?.().catch(onError);
    this.button = el("button", { type: "button", class: "quiet", hidden: true, onclick: next }, "Show more links");
    const file = new ListFile("links to share", () => this.listed, onError);
    const content = [file.status, this.note.element, this.table, this.empty, this.button];
    this.element = panel("Links to share", { note: file.button }, ...content);
  }

  async load(asked: Asked, after: string | null = null): Promise<void> {
    const { view, columns, names, signal } = asked;
    const withPartners = columns.partner;
    const filter = listFilter(view.filters, OWNERS);
    this.listed = { list: "links", name: "links.csv", filter, signal };
    const { referralLinks } = await ask<LinksData>(LINKS, { first: PAGE, after, filter }, signal);
    const { nodes, pageInfo } = present(referralLinks);
    const { hasNextPage, endCursor } = pageInfo;
    this.links = [...(after === null ? [] : this.links), ...nodes];
    this.body.replaceChildren(...this.links.map((link) => row(link, view.zone, withPartners)));
    this.partnerHead.hidden = !withPartners;
    withRoles(this.table).hidden = !this.links.length;
    this.empty.textContent = withPartners ? "No links yet." : "No links yet. Ask the program’s owner to create one.";
    this.empty.hidden = !this.table.hidden;
    this.button.hidden = !hasNextPage;
    // Links are not confined by what is known of their clicks.
    const owned = view.filters.filter(({ dimension }) => dimension in CONVERSIONS);
    this.note.show(untaken(owned, OWNERS), names);
    this.more = () => this.load(asked, endCursor);
  }
}

function row(link: Link, zone: string, withPartners: boolean): HTMLElement {
  const paused = link.status === "INACTIVE" && el("span", { class: "badge" }, "paused");
  const address = link.url
    ? [el("span", { class: "url" }, link.url), copyButton(link.url, `the URL of ${link.code}`)]
    : [`Any page of the program’s site with ?aff=${link.code}`];
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, link.code, paused ? " " : null, paused),
    el("td", { class: "address" }, ...address),
    withPartners && el("td", { "data-label": "Partner" }, link.partner?.name ?? "–"),
    el("td", { class: "number", "data-label": "Total clicks" }, number(link.clicks)),
    el("td", { "data-label": "Last click" }, link.lastClicked ? day(link.lastClicked, zone) : "Never"),
  );
}
