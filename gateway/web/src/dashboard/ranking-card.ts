// One card of the rankings: the values of a dimension with the most clicks, which filter the view when pressed.

import type { Card } from "./cards.ts";
import { isTime, nameOf, placeInTime, shortNameOf, wordsOf, type Dimension } from "./dimensions.ts";
import { el } from "./dom.ts";
import { Segments } from "./fields.ts";
import { filterOn, type Filters } from "./filters.ts";
import { number, rate } from "./format.ts";
import { amounts, perEach } from "./money.ts";
import { panel } from "./panel.ts";
import type { Money } from "./queries.ts";
import { idOf, type Ranked, type Share } from "./report-query.ts";

/** The columns after the name. Narrow screens leave out the wide ones. */
const COLUMNS: readonly [string, string][] = [
  ["Clicks", "number"],
  ["Leads", "number wide"],
  ["Sales", "number"],
  ["Revenue", "number"],
  ["Commission", "number wide"],
];

export class RankingCard {
  constructor(
    private readonly card: Card,
    private readonly tabs: readonly Dimension[],
    private readonly choose: (dimension: Dimension, value: string | null, name: string) => void,
    private readonly turn: (dimension: Dimension) => void,
  ) {}

  show(dimension: Dimension, ranked: Ranked | undefined, filters: Filters): HTMLElement {
    const note = this.tabs.length > 1 && this.chooser(dimension);
    const content = ranked?.shares.length
      ? this.table(dimension, ranked, filters)
      : el("p", { class: "empty" }, ranked ? "None yet" : "Loading…");
    const made = panel(this.card.title, { note }, content);
    made.dataset["ranking"] = this.card.key;
    return made;
  }

  private chooser(dimension: Dimension): HTMLElement {
    const words = Object.fromEntries(this.tabs.map((tab) => [tab, shortNameOf(tab)])) as Record<Dimension, string>;
    const tabs = new Segments<Dimension>(`${this.card.title} by`, words, this.turn);
    tabs.select(dimension);
    return tabs.element;
  }

  private table(dimension: Dimension, { shares, clicks }: Ranked, filters: Filters): HTMLElement {
    const most = Math.max(1, ...shares.map((share) => share.clicks));
    const lines = inOrder(dimension, shares).map((share) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, this.nameOf(dimension, share, filters), bar(share, most)),
        el("td", { class: "number", title: ofWhich(share, clicks) }, number(share.clicks)),
        el("td", { class: "number wide" }, number(share.leads)),
        el("td", { class: "number" }, number(share.sales)),
        money(share.revenue, "number", earned(share)),
        money(share.earnings, "number wide", earned(share)),
      ),
    );
    const names = COLUMNS.map(([name, classes]) => el("th", { scope: "col", class: classes }, name));
    // The title says it already, unless the card has several.
    const name = el("span", { class: this.card.tabs.length === 1 && "unseen" }, nameOf(dimension));
    const head = el("tr", {}, el("th", { scope: "col" }, name), ...names);
    return el("table", {}, el("thead", {}, head), el("tbody", {}, ...lines));
  }

  private nameOf(dimension: Dimension, share: Share, filters: Filters): HTMLElement {
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
      onclick: () => this.choose(dimension, id, words),
    };
    return el("button", attributes, words);
  }
}

/** Return values in the order of their clicks, but hours and days as they follow each other. */
function inOrder(dimension: Dimension, shares: Share[]): Share[] {
  if (!isTime(dimension)) return shares;
  return [...shares].sort((one, other) => placeInTime(one.value ?? "") - placeInTime(other.value ?? ""));
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
