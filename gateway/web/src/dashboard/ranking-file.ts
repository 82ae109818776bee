// Reads a whole ranking page by page, for a CSV file.

import type { Asked } from "./clicks.ts";
import type { Cell } from "./csv.ts";
import { manyOf, type Dimension } from "./dimensions.ts";
import { RANKING_SORTS, sortingOf } from "./list-sorts.ts";
import type { PagedKind, Progress } from "./paged-file.ts";
import { HEADER, lineOf } from "./ranking-csv.ts";
import { readRows } from "./ranking-query.ts";
import { upTo } from "./spans.ts";

/** The most that the API gives at a time. */
const PAGE = 100;

/** Return the file of a ranking, with all rows that are searched for, in the order that is shown. */
export function fileOf(dimension: Dimension): PagedKind {
  const name = dimension.toLowerCase().replaceAll("_", "-");
  return {
    of: `all ${manyOf(dimension)}`,
    name: ({ span }) => `all-${name}-${span.days.join("-to-")}.csv`,
    read: (asked, progress, signal) => lines(dimension, { ...asked, signal }, progress),
  };
}

async function lines(dimension: Dimension, asked: Asked, progress: Progress): Promise<Cell[][]> {
  const { field, direction } = sortingOf(RANKING_SORTS, asked.view.order);
  const found: Cell[][] = [];
  let period = asked.span;
  for (let total = 1; found.length < total; ) {
    const rows = { first: PAGE, offset: found.length, order: { field, direction } };
    const page = await readRows(dimension, asked, period, rows);
    // All pages count the same clicks, though others arrive meanwhile.
    if (!found.length) period = upTo(asked.span, page.asOf);
    // A row that is gone, as its last conversion was rejected, must not keep the file from its end.
    total = page.shares.length ? (page.total ?? 0) : 0;
    found.push(...page.shares.map((share) => lineOf(dimension, share)));
    progress(found.length, total);
  }
  return [HEADER, ...found];
}
