// The operation that reads a page of the whole ranking of a dimension.

import { ask, present } from "../api/api.ts";
import { COUNTS } from "../api/queries.ts";
import { isBotIn, rankedIn, rankedPage, type Ranked, type RankedPage } from "../charts/report-query.ts";
import type { Asked } from "../view/asked.ts";
import type { Dimension } from "../view/dimensions.ts";
import { opened, reportFilter } from "../view/filters.ts";
import { termsFor } from "../view/ranking-terms.ts";
import type { Span } from "../view/spans.ts";

/** Which rows to read: so many after the first ones, in an order. */
export interface Rows {
  first: number;
  offset: number;
  order: { field: string; direction: string };
}

export interface Found extends Ranked {
  asOf: string;
}

interface PageData {
  report: { dataAsOf: string; clicks: number; rows: RankedPage } | null;
}

/** Read rows of a ranking. Like the card, it shows what the view's own filter on the dimension keeps out, too. */
export async function readRows(dimension: Dimension, { view, signal }: Asked, span: Span, rows: Rows): Promise<Found> {
  const filter = reportFilter(opened(view.filters, dimension), isBotIn(view));
  const search = termsFor(dimension, view.find);
  const variables = { from: span.from, to: span.to, zone: view.zone, filter, search, ...rows };
  const { dataAsOf, clicks, rows: page } = present((await ask<PageData>(query(dimension), variables, signal)).report);
  return { ...rankedIn(page, clicks), asOf: dataAsOf };
}

function query(dimension: Dimension): string {
  const given = "first: $first, offset: $offset, search: $search, orderBy: $order";
  return `
query WholeRanking(
  $from: DateTime!, $to: DateTime!, $zone: String!, $filter: ClickReportFilter!
  $first: Int!, $offset: Int!, $search: [String!], $order: BreakdownOrder!
) {
  report: clickReport(from: $from, to: $to, timezone: $zone, filter: $filter) {
    dataAsOf clicks
    rows: ${rankedPage(dimension, given)}
  }
}
fragment Counts on ClickCounts { ${COUNTS} }`;
}
