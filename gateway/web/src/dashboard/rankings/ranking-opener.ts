// Opens the whole ranking of a dimension, whose code is loaded when it is needed.

import { loadedCode } from "../parts/code.ts";
import type { Asked } from "../view/asked.ts";
import type { Dimension } from "../view/dimensions.ts";
import { WHOLE, type View } from "../view/view.ts";
import type { FullActions, FullRanking } from "./full-ranking.ts";

export class RankingOpener {
  private open: { dimension: Dimension; ranking: FullRanking } | null = null;

  /** Called with `show` for the ranking that takes the place of the cards, or null for these, and what was shown. */
  constructor(
    private readonly actions: FullActions,
    private readonly isOffered: (dimension: Dimension) => boolean,
    private readonly show: (element: HTMLElement | null, before?: Dimension) => void,
  ) {}

  /** Return whether something has changed that the whole ranking shows. */
  static isAbout(patch: Partial<View>): boolean {
    return WHOLE.some((part) => part in patch);
  }

  /** Show what a view says: a whole ranking, or none. */
  async load(asked: Asked): Promise<void> {
    const dimension = asked.view.all;
    if (!dimension || !this.isOffered(dimension)) {
      const before = this.open?.dimension;
      this.open = null;
      return this.show(null, before);
    }
    if (this.open?.dimension !== dimension) {
      const { FullRanking } = await loadedCode(() => import("./full-ranking.ts"));
      if (asked.signal.aborted) return;
      this.open = { dimension, ranking: new FullRanking(dimension, this.actions) };
    }
    this.show(this.open.ranking.element);
    await this.open.ranking.load(asked);
  }
}
