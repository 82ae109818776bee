// The position in a list that is read page by page, by cursor, and the buttons that move it.

import type { PageInfo } from "../api/queries.ts";
import { el } from "../parts/dom.ts";

export type Position = { first: number; after?: string | null } | { last: number; before: string | null };

const TIMES = ["Newer", "Older"] as const;

export class Pager {
  readonly element: HTMLElement;
  private start: Position;
  private position: Position;
  private info: PageInfo | null = null;
  private readonly back: HTMLButtonElement;
  private readonly forth: HTMLButtonElement;

  /** Pages of `size` items, named by `label` for screen readers. `move` loads the page at the new position. The words
   * are those of lists that begin with what is newest, unless others are given. */
  constructor(
    private size: number,
    label: string,
    private readonly move: () => void,
    [back, forth]: readonly [string, string] = TIMES,
  ) {
    this.back = this.button(back, () => ({ last: this.size, before: this.info?.startCursor ?? null }));
    this.forth = this.button(forth, () => ({ first: this.size, after: this.info?.endCursor ?? null }));
    this.start = this.position = { first: size };
    this.element = el("nav", { class: "pager", hidden: true, "aria-label": label }, this.back, this.forth);
  }

  /** Say what the buttons lead to, in a list that begins with what is oldest or with what is newest. */
  nameTimes(isAscending: boolean): void {
    [this.back.textContent, this.forth.textContent] = isAscending ? ["Older", "Newer"] : TIMES;
  }

  get isAtStart(): boolean {
    return this.position === this.start;
  }

  /** The arguments of the list at this position. */
  get variables(): Position {
    return this.position;
  }

  /** Change how many items a page has, and go back to the start. */
  resize(size: number): void {
    if (size === this.size) return;
    this.size = size;
    this.start = this.position = { first: size };
  }

  toStart(): void {
    this.position = this.start;
  }

  /** Take note of the page that was loaded. Paging back to the beginning returns to the start. */
  accept(info: PageInfo, isEmpty: boolean): void {
    this.info = info;
    if ("last" in this.position && !info.hasPreviousPage) this.toStart();
    this.element.hidden = this.isAtStart && (isEmpty || !info.hasNextPage);
    const focused = document.activeElement;
    this.back.disabled = this.isAtStart || !info.hasPreviousPage;
    this.forth.disabled = !info.hasNextPage;
    // A button that is disabled loses the focus.
    if (focused === this.back && this.back.disabled) this.forth.focus();
    if (focused === this.forth && this.forth.disabled) this.back.focus();
  }

  private button(words: string, to: () => Position): HTMLButtonElement {
    const go = () => {
      this.position = to();
      this.move();
    };
    return el("button", { type: "button", disabled: true, onclick: go }, words);
  }
}
