// The rows and columns of the cross table: those with the most, and how many others there are.

import { idOf, isBotIn, type Key, type Operation } from "../charts/report-query.ts";
import type { Head } from "../view/chosen.ts";
import { orderOf, type Amount } from "../view/cross-figures.ts";
import { hasIds, isTime, placeInTime, wordsOf, type Dimension } from "../view/dimensions.ts";
import { reportFilter } from "../view/filters.ts";
import type { Span } from "../view/spans.ts";
import type { View } from "../view/view.ts";

export const ROWS = 10;
const COLUMNS = 8;

/** The rows or the columns that are shown, and how many are not. */
export interface Axis {
  dimension: Dimension;
  heads: Head[];
  others: number;
}

/** Returned for a row or column with what is left, and for one with the total. */
export const OTHERS = "others";
export const TOTAL = "total";
export type Place = Head | typeof OTHERS | typeof TOTAL;
export type Cells = (row: Place, column: Place) => Amount;

interface Side {
  nodes: { keys: Key[] }[];
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

export interface HeadsData {
  report: { dataAsOf: string; rows: Side; columns: Side } | null;
}

export const SPAN = "from: $from, to: $to, timezone: $zone";
export const DECLARED = "$from: DateTime!, $to: DateTime!, $zone: String!";

export function keysOf(dimensions: readonly Dimension[]): string {
  const rows = "referralLink { id } partner { id } program { id }";
  return `keys { value ${dimensions.some(hasIds) ? rows : ""} }`;
}

/** Return the operation that finds the rows after a cursor, and the columns. */
export function headsOperation(view: View, span: Span, after: string | null): Operation {
  const [by, across] = [view.rows, view.columns].map((each) => `by: [${each}]`);
  const order = `orderBy: {field: ${orderOf(view.figure)}}`;
  const rowOrder = isTime(view.rows) ? "orderBy: {field: VALUE, direction: ASC}" : order;
  const side = (dimension: Dimension) => `{ nodes { ${keysOf([dimension])} } totalCount pageInfo { hasNextPage endCursor } }`;
  const query = `
query Heads(${DECLARED}, $filter: ClickReportFilter!, $after: String) {
  report: clickReport(${SPAN}, filter: $filter) {
    dataAsOf
    rows: breakdown(${by}, first: ${ROWS}, after: $after, ${rowOrder}) ${side(view.rows)}
    columns: breakdown(${across}, first: ${COLUMNS}, ${order}) ${side(view.columns)}
  }
}`;
  const filter = reportFilter(view.filters, isBotIn(view));
  return { query, variables: { from: span.from, to: span.to, zone: view.zone, filter, after } };
}

/** Return the rows or columns of an answer. Hidden rows cannot be told apart, so that they are among the others. */
export function axisOf(dimension: Dimension, { nodes, totalCount }: Side): Axis {
  const heads = nodes.flatMap(({ keys: [key] }) => {
    const value = idOf(dimension, key!);
    return value === undefined ? [] : [{ value, words: wordsOf(dimension, key!.value) }];
  });
  return { dimension, heads, others: totalCount - heads.length };
}

/** Return an axis of hours or days as these follow each other. */
export function inOrder(axis: Axis): Axis {
  if (!isTime(axis.dimension)) return axis;
  const place = ({ value }: Head) => placeInTime(value ?? "");
  return { ...axis, heads: [...axis.heads].sort((one, other) => place(one) - place(other)) };
}
