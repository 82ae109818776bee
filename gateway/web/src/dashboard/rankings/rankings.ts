// Rankings of links, partners, pages, countries and so on: cards that show one dimension each.

import type { Rankings } from "../charts/report-query.ts";
import { PagedFile, type Progress } from "../lists/paged-file.ts";
import { loadedCode } from "../parts/code.ts";
import type { Cell } from "../parts/csv.ts";
import { el } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import type { Asked } from "../view/asked.ts";
import { GROUPS, choosing, shownBy, type Card, type Tabs } from "../view/cards.ts";
import { hasIds, type Dimension } from "../view/dimensions.ts";
import type { View } from "../view/view.ts";
import { RankingCard, type CardActions } from "./ranking-card.ts";

/** Where there is room for one column of cards only. */
const NARROW = matchMedia("(max-width: 1000px)");
/** The height of a card without its rows, in rows. */
const FRAME_ROWS = 3;

type Actions = Pick<CardActions, "choose" | "open"> & { turn: (by: Tabs) => void; fail: (error: unknown) => void };

export class RankingsPanel {
  readonly element: HTMLElement;
  private readonly cards = GROUPS.flat();
  private readonly grid = el("div", { class: "rankings" });
  private readonly aside: HTMLElement;
  private readonly file: PagedFile;
  private readonly unknown = el("p", { class: "unknown", hidden: true });
  private shown: Rankings = {};
  private view: View | null = null;
  private isEmpty = true;
  /** What is shown in place of the cards. */
  private whole: HTMLElement | null = null;

  constructor(
    private readonly offered: (card: Card) => boolean,
    private readonly actions: Actions,
  ) {
    const name = ({ span }: Asked) => `rankings-${span.days.join("-to-")}.csv`;
    const read = (...asked: [Asked, Progress, AbortSignal]) => this.lines(...asked);
    const isSame = (one: View, other: View) => one.by === other.by;
    this.file = new PagedFile({ of: "all rankings", isNamed: true, name, isSame, read }, actions.fail);
    this.aside = el("div", { class: "aside" }, this.unknown, this.file.status, this.file.button);
    const attributes = { class: "groups", hidden: true, tabindex: "-1", "aria-label": "Rankings" };
    this.element = el("section", attributes, this.grid, this.aside);
    NARROW.addEventListener("change", () => this.draw());
  }

  /** Offer the file of a view's rankings. */
  offer(asked: Asked): void {
    this.file.offer(asked);
  }

  /** Show the rankings that were read, beside those that were read before. */
  show(rankings: Rankings, view: View, isEmpty: boolean): void {
    this.shown = { ...this.shown, ...rankings };
    this.view = view;
    this.isEmpty = isEmpty;
    this.draw();
  }

  /** Show something else in place of the cards, or with null the cards again. The focus goes with what takes its place;
   * that of the former is found again by `key`. */
  replace(whole: HTMLElement | null, key = ""): void {
    if (whole === this.whole) return;
    this.whole = whole;
    const isFocused = this.element.contains(document.activeElement);
    this.draw();
    if (!isFocused) return;
    const former = this.element.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`);
    (whole ?? former ?? this.element).focus();
  }

  /** Forget what was read of another view. */
  clear(): void {
    this.shown = {};
  }

  /** Show a ranking that was chosen in a card. */
  add(rankings: Rankings, view: View): void {
    this.show(rankings, view, this.isEmpty);
  }

  readonly isKnown = (dimension: Dimension): boolean =>
    this.shown[dimension]?.shares.some(({ value }) => value !== null) ?? false;

  private draw(): void {
    const { view, whole } = this;
    this.element.hidden = !whole && (!view || this.isEmpty);
    this.aside.hidden = whole !== null;
    if (whole) return this.drawWhole(whole);
    if (!view) return;
    keepingFocus(this.element, () => {
      const drawn = this.cards.filter(this.offered).map((card) => this.card(card, view) ?? card.title);
      this.grid.replaceChildren(...columnsOf(drawn.filter((each) => typeof each !== "string")));
      const empty = drawn.filter((each) => typeof each === "string" && each !== "");
      this.unknown.hidden = !empty.length;
      this.unknown.textContent = `Nothing is known of: ${empty.join(", ").toLowerCase()}.`;
    });
  }

  private drawWhole(whole: HTMLElement): void {
    // Drawn anew, it would lose the focus.
    if (whole.parentElement !== this.grid) this.grid.replaceChildren(whole);
  }

  /** Return a card, null if nothing is known of it, or an empty text if it would only repeat the totals. */
  private card(card: Card, { by, filters }: View): HTMLElement | null | "" {
    const dimension = shownBy(card, by, this.isKnown);
    const isFiltered = filters.some((each) => each.dimension === dimension);
    const isEmpty = !this.isKnown(dimension) && !by.includes(dimension) && !isFiltered;
    if (isEmpty && (this.shown[dimension]?.shares.length || card.isSparse)) return null;
    if (hasIds(dimension) && this.shown[dimension]?.shares.length === 1 && !isFiltered) return "";
    const tabs = card.tabs.filter((tab) => !card.isSparse || tab === dimension || this.isKnown(tab));
    const turn = (tab: Dimension) => this.actions.turn(choosing(by, tab));
    return new RankingCard(card, tabs, { ...this.actions, turn }).show(dimension, this.shown[dimension], filters);
  }

  private async *lines(asked: Asked, progress: Progress, signal: AbortSignal): AsyncGenerator<Cell[][]> {
    const { allRankings } = await loadedCode(() => import("./ranking-file.ts"));
    yield* allRankings(this.dimensions(asked.view.by), { ...asked, signal }, progress);
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
