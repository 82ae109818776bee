// The table of a ranking: values of a dimension with what they count, which filter the view when pressed.

import type { Money } from "../api/queries.ts";
import { idOf, type Ranked, type Share } from "../charts/report-query.ts";
import { el } from "../parts/dom.ts";
import { number, rate } from "../parts/format.ts";
import { amounts, perEach } from "../parts/money.ts";
import { wordsOf, type Dimension } from "../view/dimensions.ts";
import { filterOn, type Filters } from "../view/filters.ts";

export type Choose = (dimension: Dimension, value: string | null, name: string) => void;

/** The headings of columns with their classes. Narrow screens leave out the wide ones. */
type Columns = readonly (readonly [string, string])[];

/** Create the table of a dimension's values, in their order. `heads` returns the headings, given those after the name. */
export type Table = (
  dimension: Dimension,
  ranked: Ranked,
  filters: Filters,
  heads: (columns: Columns) => HTMLElement[],
) => HTMLTableElement;

const COLUMNS: Columns = [
  ["Clicks", "number"],
  ["Leads", "number wide"],
  ["Sales", "number"],
  ["Revenue", "number"],
  ["Commission", "number wide"],
];

/** Create such a table. A row that is pressed is chosen. */
export function rankingTable(...[dimension, { shares, clicks }, filters, heads, choose]: [...Parameters<Table>, Choose]): HTMLTableElement {
  const most = Math.max(1, ...shares.map((share) => share.clicks));
  const lines = shares.map((share) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, nameOf(dimension, share, filters, choose), bar(share, most)),
      el("td", { class: "number", title: ofWhich(share, clicks) }, number(share.clicks)),
      el("td", { class: "number wide" }, number(share.leads)),
      el("td", { class: "number" }, number(share.sales)),
      money(share.revenue, "number", earned(share)),
      money(share.earnings, "number wide", earned(share)),
    ),
  );
  return el("table", {}, el("thead", {}, el("tr", {}, ...heads(COLUMNS))), el("tbody", {}, ...lines));
}

function nameOf(dimension: Dimension, share: Share, filters: Filters, choose: Choose): HTMLElement {
  const words = wordsOf(dimension, share.value);
  const id = idOf(dimension, share);
  // A row that is hidden from this viewer has no id to filter by.
  if (id === undefined) return el("span", { dir: "auto" }, words);
  const filter = filterOn(filters, dimension, id);
  const attributes = {
    type: "button",
    class: "choice",
    dir: "auto",
    "data-focus": `${dimension} ${id ?? ""}`,
    "aria-pressed": String(filter !== undefined),
    title: `${share.value ?? words}: ${filter ? "remove filter" : "show only this"}`,
    onclick: () => choose(dimension, id, words),
  };
  return el("button", attributes, words);
}

function bar(share: Share, most: number): HTMLElement {
  const made = el("span", { class: "bar", "aria-hidden": "true" });
  made.style.setProperty("--people-part", String(share.people / most));
  made.style.setProperty("--bots-part", String(share.bots / most));
  return made;
}

function ofWhich(share: Share, total: number): string {
  const part = total ? `${Math.round((share.clicks / total) * 100)}% of all clicks: ` : "";
  return `${part}${number(share.people)} by people, ${number(share.bots)} by bots`;
}

function money(shown: readonly Money[], classes: string, title: string): HTMLElement {
  const lines = shown.length ? amounts(shown) : ["–"];
  return el("td", { class: classes, title }, ...lines.map((line) => el("div", {}, line)));
}

function earned(share: Share): string {
  const commission = amounts(share.earnings).join(", ") || "no";
  const perClick = perEach(share.earnings, share.people).join(", ");
  const sold = share.conversionRate === null ? "" : `, ${rate(share.conversionRate)} of clicks by people led to a sale`;
  return `${number(share.leads)} leads${sold}, ${commission} commission${perClick && ` (${perClick} per click)`}`;
}
