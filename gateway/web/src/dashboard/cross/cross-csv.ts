// Reads every pair of values of two dimensions, page by page, for a CSV file.

import { ask, present } from "../api/api.ts";
import { COUNTS, type Counts } from "../api/queries.ts";
import { isBotIn, type Key } from "../charts/report-query.ts";
import type { Progress } from "../lists/paged-file.ts";
import type { Cell } from "../parts/csv.ts";
import { amounts } from "../parts/money.ts";
import { nameOf, textOf } from "../view/dimensions.ts";
import { reportFilter } from "../view/filters.ts";
import { upTo, type Span } from "../view/spans.ts";
import type { View } from "../view/view.ts";
import { DECLARED, SPAN, keysOf } from "./cross-axes.ts";

/** The most that the API gives at a time. */
const PAGE = 100;
const NAMES = "clicks,people,bots,visitors,new_customers,leads,sales,revenue,commission,conversion_rate";

interface Pair extends Counts {
  keys: Key[];
  customers: number;
  visitors: number;
}

interface PairsData {
  report: {
    dataAsOf: string;
    breakdown: { nodes: Pair[]; totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
  } | null;
}

/** Yield the lines of the file, page by page. */
export async function* allPairs(
  view: View,
  span: Span,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Cell[][]> {
  yield [[nameOf(view.rows), nameOf(view.columns), ...NAMES.split(",")]];
  const filter = reportFilter(view.filters, isBotIn(view));
  let period = span;
  let read = 0;
  for (let after: string | null = null, isLast = false; !isLast; ) {
    const variables = { from: period.from, to: period.to, zone: view.zone, filter, after };
    const data: PairsData = await ask<PairsData>(query(view), variables, signal);
    const { dataAsOf, breakdown } = present(data.report);
    // All pages count the same clicks, though others arrive meanwhile.
    if (after === null) period = upTo(span, dataAsOf);
    yield breakdown.nodes.map((pair) => line(view, pair));
    progress((read += breakdown.nodes.length), breakdown.totalCount);
    after = breakdown.pageInfo.endCursor;
    isLast = !breakdown.pageInfo.hasNextPage;
  }
}

/** Sorted by the values, whose order does not change while pages are read. */
function query({ rows, columns }: View): string {
  return `
query Pairs(${DECLARED}, $filter: ClickReportFilter!, $after: String) {
  report: clickReport(${SPAN}, filter: $filter) {
    dataAsOf
    breakdown(by: [${rows}, ${columns}], first: ${PAGE}, after: $after, orderBy: {field: VALUE, direction: ASC}) {
      nodes { ${keysOf([rows, columns])} visitors customers ${COUNTS} }
      totalCount
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
}

function line({ rows, columns }: View, pair: Pair): Cell[] {
  return [
    ...[textOf(rows, pair.keys[0]!.value), textOf(columns, pair.keys[1]!.value)],
    ...[pair.clicks, pair.people, pair.bots, pair.visitors, pair.customers, pair.leads, pair.sales],
    ...[amounts(pair.revenue).join("; "), amounts(pair.earnings).join("; "), pair.conversionRate],
  ];
}
