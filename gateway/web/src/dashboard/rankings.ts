// Rankings of links, partners, pages, countries and so on: cards that show one dimension each.

import { GROUPS, choosing, shownBy, type Card, type Tabs } from "./cards.ts";
import { download } from "./csv.ts";
import { hasIds, nameOf, textOf, type Dimension } from "./dimensions.ts";
import { el } from "./dom.ts";
import { keepingFocus } from "./focus.ts";
import { amounts } from "./money.ts";
import { RankingCard } from "./ranking-card.ts";
import type { Rankings } from "./report-query.ts";
import type { View } from "./view.ts";

/** Where there is room for one column of cards only. */
const NARROW = matchMedia("(max-width: 1000px)");
/** The height of a card without its rows, in rows. */
const FRAME_ROWS = 3;

type Choose = (dimension: Dimension, value: string | null, name: string) => void;

export class RankingsPanel {
  readonly element: HTMLElement;
  private readonly cards = GROUPS.flat();
  private readonly grid = el("div", { class: "rankings" });
  private readonly unknown = el("p", { class: "unknown", hidden: true });
  private shown: Rankings = {};
  private view: View | null = null;
  private name = "";
  private isEmpty = true;

  /** Called with `choose` for a row, and with `turn` for another dimension of a card. */
  constructor(
    private readonly offered: (card: Card) => boolean,
    private readonly choose: Choose,
    private readonly turn: (by: Tabs, dimension: Dimension) => void,
  ) {
    const button = el("button", { type: "button", class: "quiet save", onclick: () => this.save() }, "CSV of all rankings");
    const aside = el("div", { class: "aside" }, this.unknown, button);
    this.element = el("section", { class: "groups", hidden: true, tabindex: "-1", "aria-label": "Rankings" }, this.grid, aside);
    NARROW.addEventListener("change", () => this.draw());
  }

  /** Show the rankings that were read, beside those that were read before. */
  show(rankings: Rankings, view: View, name: string, isEmpty: boolean): void {
    this.shown = { ...this.shown, ...rankings };
    [this.view, this.name] = [view, name];
    this.element.hidden = this.isEmpty = isEmpty;
    this.draw();
  }

  /** Forget what was read of another view. */
  clear(): void {
    this.shown = {};
  }

  /** Show a ranking that was chosen in a card. */
  add(rankings: Rankings, view: View): void {
    this.show(rankings, view, this.name, this.isEmpty);
  }

  readonly isKnown = (dimension: Dimension): boolean =>
    this.shown[dimension]?.shares.some(({ value }) => value !== null) ?? false;

  private draw(): void {
    const { view } = this;
    if (!view) return;
    keepingFocus(this.element, () => {
      const drawn = this.cards.filter(this.offered).map((card) => this.card(card, view) ?? card.title);
      this.grid.replaceChildren(...columnsOf(drawn.filter((each) => typeof each !== "string")));
      const empty = drawn.filter((each) => typeof each === "string" && each !== "");
      this.unknown.hidden = !empty.length;
      this.unknown.textContent = `Nothing is known of: ${empty.join(", ").toLowerCase()}.`;
    });
  }

  /** Return a card, null if nothing is known of it, or an empty text if it would only repeat the totals. */
  private card(card: Card, { by, filters }: View): HTMLElement | null | "" {
    const dimension = shownBy(card, by, this.isKnown);
    const isFiltered = filters.some((each) => each.dimension === dimension);
    const isEmpty = !this.isKnown(dimension) && !by.includes(dimension) && !isFiltered;
    if (isEmpty && (this.shown[dimension]?.shares.length || card.isSparse)) return null;
    if (hasIds(dimension) && this.shown[dimension]?.shares.length === 1 && !isFiltered) return "";
    const tabs = card.tabs.filter((tab) => !card.isSparse || tab === dimension || this.isKnown(tab));
    const turn = (tab: Dimension) => this.turn(choosing(by, tab), tab);
    return new RankingCard(card, tabs, this.choose, turn).show(dimension, this.shown[dimension], filters);
  }

  private save(): void {
    const shown = this.view ? this.dimensions(this.view.by) : [];
    download(`rankings-${this.name}.csv`, rows(shown, this.shown));
  }

  private dimensions(by: Tabs): Dimension[] {
    return GROUPS.flat().filter(this.offered).map((card) => shownBy(card, by, this.isKnown));
  }
}

/** Return cards in one column, or in two that are about as long as each other. */
function columnsOf(cards: HTMLElement[]): HTMLElement[] {
  const columns = (NARROW.matches ? [0] : [0, 0]).map((length) => ({ length, cards: [] as HTMLElement[] }));
  for (const card of cards) {
    const shortest = columns.reduce((best, each) => (each.length < best.length ? each : best));
    shortest.cards.push(card);
    shortest.length += FRAME_ROWS + card.querySelectorAll("tbody tr").length;
  }
  return columns.map((column) => el("div", { class: "column" }, ...column.cards));
}

function rows(dimensions: readonly Dimension[], rankings: Rankings): (string | number | null)[][] {
  const lines = dimensions.flatMap((dimension) =>
    (rankings[dimension]?.shares ?? []).map((each) => [
      ...[nameOf(dimension), textOf(dimension, each.value), each.clicks, each.people, each.bots, each.leads, each.sales],
      ...[amounts(each.revenue).join("; "), amounts(each.earnings).join("; "), each.conversionRate],
    ]),
  );
  const counts = ["clicks", "people", "bots", "leads", "sales", "revenue", "commission", "conversion_rate"];
  return [["kind", "value", ...counts], ...lines];
}

