// The links to publish, each with its address to copy.

import { ask } from "./api.ts";
import { copyButton } from "./copy.ts";
import { download } from "./csv.ts";
import { el, withRoles } from "./dom.ts";
import { day, number } from "./format.ts";
import { panel } from "./panel.ts";
import { LINKS, type Link, type LinksData } from "./queries.ts";
import type { View } from "./view.ts";

const PAGE = 10;

export interface LinksPanel {
  element: HTMLElement;
  load(view: View, withPartners: boolean, signal: AbortSignal): Promise<void>;
}

export function linksPanel(onError: (error: unknown) => void): LinksPanel {
  const links: Link[] = [];
  const body = el("tbody");
  const partnerHead = el("th", { scope: "col" }, "Partner");
  const head = el(
    "tr",
    {},
    ...["Code", "Address"].map((name) => el("th", { scope: "col" }, name)),
    partnerHead,
    el("th", { scope: "col", class: "number" }, "Clicks ever"),
    el("th", { scope: "col" }, "Last click"),
  );
  const table = el("table", { class: "stacked links" }, el("thead", {}, head), body);
  const empty = el("p", { class: "empty", hidden: true }, "There are no links yet. The program's owner makes them.");
  const more = el("button", { type: "button", class: "quiet", hidden: true }, "Show more links");
  const save = () => download("links.csv", rows(links));
  const frame = panel("Links to share", { save }, table, empty, more);
  let next: (() => Promise<void>) | null = null;
  more.addEventListener("click", () => void next?.().catch(onError));

  async function page(view: View, withPartners: boolean, after: string | null, signal: AbortSignal): Promise<void> {
    const filter = { programId: view.program, partnerId: view.partner };
    const { referralLinks } = await ask<LinksData>(LINKS, { first: PAGE, after, filter }, signal);
    if (after === null) links.length = 0;
    links.push(...referralLinks.nodes);
    body.replaceChildren(...links.map((link) => row(link, view.zone, withPartners)));
    withRoles(table);
    partnerHead.hidden = !withPartners;
    table.hidden = !links.length;
    empty.hidden = !table.hidden;
    more.hidden = !referralLinks.pageInfo.hasNextPage;
    next = () => page(view, withPartners, referralLinks.pageInfo.endCursor, signal);
  }
  return {
    element: frame.element,
    load: (view, withPartners, signal) => page(view, withPartners, null, signal),
  };
}

function row(link: Link, zone: string, withPartners: boolean): HTMLElement {
  const paused = link.status === "INACTIVE" && el("span", { class: "badge" }, "paused");
  const address = link.url
    ? [el("span", { class: "url" }, link.url), copyButton(link.url, `the address of ${link.code}`)]
    : [`Any page of the program with ?aff=${link.code}`];
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, link.code, paused ? " " : null, paused),
    el("td", { class: "address" }, ...address),
    withPartners && el("td", { "data-label": "Partner" }, link.partner?.name ?? "–"),
    el("td", { class: "number", "data-label": "Clicks ever" }, number(link.clicks)),
    el("td", { "data-label": "Last click" }, link.lastClicked ? day(link.lastClicked, zone) : "Never"),
  );
}

function rows(links: Link[]): (string | number | null)[][] {
  const lines = links.map((link) => [
    link.code,
    link.url,
    link.partner?.name ?? null,
    link.status.toLowerCase(),
    link.clicks,
    link.lastClicked,
  ]);
  return [["code", "url", "partner", "status", "clicks", "last_clicked"], ...lines];
}
