// Reads a page of the cross table: first its rows and columns, then all cells.

import { ask, present } from "../api/api.ts";
import type { Asked } from "../view/asked.ts";
import { labelsOf } from "../view/cross-figures.ts";
import { nameOf } from "../view/dimensions.ts";
import { upTo } from "../view/spans.ts";
import type { View } from "../view/view.ts";
import { axisOf, headsOperation, inOrder, type Axis, type HeadsData } from "./cross-axes.ts";
import { cellsIn, cellsOperation } from "./cross-cells.ts";
import type { CrossTable } from "./cross-view.ts";

/** A page of the table. */
export interface Found {
  table: CrossTable;
  totalRows: number;
  next: string | null;
  asOf: string;
}

/** Read the page after a cursor. */
export async function read({ view, span, signal }: Asked, after: string | null): Promise<Found> {
  const heads = headsOperation(view, span, after);
  const report = present((await ask<HeadsData>(heads.query, heads.variables, signal)).report);
  const [rows, columns] = [axisOf(view.rows, report.rows), inOrder(axisOf(view.columns, report.columns))];
  // The cells and the totals count the same clicks, though others arrive meanwhile.
  const operation = cellsOperation(view, upTo(span, report.dataAsOf), rows, columns);
  const data = await ask<Record<string, unknown>>(operation.query, operation.variables, signal);
  return {
    table: { rows, columns, cells: cellsIn(data, view, rows, columns) },
    totalRows: report.rows.totalCount,
    next: report.rows.pageInfo.hasNextPage ? report.rows.pageInfo.endCursor : null,
    asOf: report.dataAsOf,
  };
}

export function captionOf({ figure, who }: View, rows: Axis, columns: Axis): string {
  const label = labelsOf(who).find(([each]) => each === figure)![1];
  return `${label} by ${nameOf(rows.dimension).toLowerCase()} and ${nameOf(columns.dimension).toLowerCase()}`;
}
