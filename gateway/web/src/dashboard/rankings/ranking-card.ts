// One card of the rankings: the values of a dimension with the most clicks, and a way to all of them.

import type { Ranked, Share } from "../charts/report-query.ts";
import { Segments } from "../controls/fields.ts";
import { el } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Card } from "../view/cards.ts";
import { isTime, manyOf, nameOf, placeInTime, shortNameOf, type Dimension } from "../view/dimensions.ts";
import type { Filters } from "../view/filters.ts";
import { rankingTable, type Choose } from "./ranking-table.ts";

/** What a card calls for a row, for another dimension, and for the whole ranking of one. */
export interface CardActions {
  choose: Choose;
  turn: (dimension: Dimension) => void;
  open: (dimension: Dimension) => void;
}

export class RankingCard {
  constructor(
    private readonly card: Card,
    private readonly tabs: readonly Dimension[],
    private readonly actions: CardActions,
  ) {}

  show(dimension: Dimension, ranked: Ranked | undefined, filters: Filters): HTMLElement {
    const note = this.tabs.length > 1 && this.chooser(dimension);
    const content = ranked?.shares.length
      ? this.table(dimension, ranked, filters)
      : el("p", { class: "empty" }, ranked ? "None yet" : "Loading…");
    const made = panel(this.card.title, { note }, content, ranked && this.more(dimension, ranked));
    made.dataset["ranking"] = this.card.key;
    return made;
  }

  private chooser(dimension: Dimension): HTMLElement {
    const words = Object.fromEntries(this.tabs.map((tab) => [tab, shortNameOf(tab)])) as Record<Dimension, string>;
    const tabs = new Segments<Dimension>(`${this.card.title} by`, words, this.actions.turn);
    tabs.select(dimension);
    return tabs.element;
  }

  private table(dimension: Dimension, ranked: Ranked, filters: Filters): HTMLElement {
    // The title says it already, unless the card has several.
    const name = el("span", { class: this.card.tabs.length === 1 && "unseen" }, nameOf(dimension));
    const ordered = { ...ranked, shares: inOrder(dimension, ranked.shares) };
    const heads = (columns: readonly (readonly [string, string])[]) => [
      el("th", { scope: "col" }, name),
      ...columns.map(([label, classes]) => el("th", { scope: "col", class: classes }, label)),
    ];
    return rankingTable(dimension, ordered, filters, heads, this.actions.choose);
  }

  /** Return the button that shows all values, if there are more. */
  private more(dimension: Dimension, { isCut, total }: Ranked): HTMLElement | false {
    if (!isCut) return false;
    const focus = { "data-focus": `all ${dimension}` };
    const attributes = { type: "button", class: "quiet all", onclick: () => this.actions.open(dimension), ...focus };
    return el("button", attributes, `All ${total === null ? "" : `${number(total)} `}${manyOf(dimension)}`);
  }
}

/** Return values in the order of their clicks, but hours and days as they follow each other. */
function inOrder(dimension: Dimension, shares: Share[]): Share[] {
  if (!isTime(dimension)) return shares;
  return [...shares].sort((one, other) => placeInTime(one.value ?? "") - placeInTime(other.value ?? ""));
}
