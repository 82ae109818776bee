// Reads whole rankings page by page, for CSV files: a ranking as it is shown, or those of all cards.

import type { PagedKind, Progress } from "../lists/paged-file.ts";
import type { Cell } from "../parts/csv.ts";
import type { Asked } from "../view/asked.ts";
import { manyOf, type Dimension } from "../view/dimensions.ts";
import { RANKING_SORTS, sortingOf } from "../view/list-sorts.ts";
import { upTo } from "../view/spans.ts";
import { HEADER, lineOf } from "./ranking-csv.ts";
import { readRows } from "./ranking-query.ts";

/** The most that the API gives at a time. */
const PAGE = 100;

/** Return the file of a ranking, with all rows that are searched for, in the order that is shown. */
export function fileOf(dimension: Dimension): PagedKind {
  const name = dimension.toLowerCase().replaceAll("_", "-");
  return {
    of: `all ${manyOf(dimension)}`,
    name: ({ span }) => `all-${name}-${span.days.join("-to-")}.csv`,
    read: (asked, progress, signal) => linesOf([dimension], { ...asked, signal }, progress),
  };
}

/** Yield the lines of the whole rankings of several dimensions, one after the other, as their cards order them. */
export function allRankings(dimensions: readonly Dimension[], asked: Asked, progress: Progress): AsyncIterable<Cell[][]> {
  return linesOf(dimensions, { ...asked, view: { ...asked.view, find: "", order: "" } }, progress);
}

async function* linesOf(dimensions: readonly Dimension[], asked: Asked, progress: Progress): AsyncGenerator<Cell[][]> {
  const { field, direction } = sortingOf(RANKING_SORTS, asked.view.order);
  let period = asked.span;
  yield [HEADER];
  for (const dimension of dimensions) {
    for (let read = 0, total = 1; read < total; ) {
      const rows = { first: PAGE, offset: read, order: { field, direction } };
      const page = await readRows(dimension, asked, period, rows);
      // All pages count the same clicks, though others arrive meanwhile.
      period = upTo(period, page.asOf);
      yield page.shares.map((share) => lineOf(dimension, share));
      read += page.shares.length;
      // A row that is gone, as its last conversion was rejected, must not keep the file from its end.
      total = page.shares.length ? (page.total ?? 0) : 0;
      progress(read, total, manyOf(dimension));
    }
  }
}
