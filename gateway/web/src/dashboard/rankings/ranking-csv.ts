// The lines of rankings in CSV files.

import type { Share } from "../charts/report-query.ts";
import type { Cell } from "../parts/csv.ts";
import { amounts } from "../parts/money.ts";
import { nameOf, textOf, type Dimension } from "../view/dimensions.ts";

const COUNTS = ["clicks", "people", "bots", "leads", "sales", "revenue", "commission", "conversion_rate"];
export const HEADER: Cell[] = ["kind", "value", ...COUNTS];

export function lineOf(dimension: Dimension, share: Share): Cell[] {
  return [
    ...[nameOf(dimension), textOf(dimension, share.value)],
    ...[share.clicks, share.people, share.bots, share.leads, share.sales],
    ...[amounts(share.revenue).join("; "), amounts(share.earnings).join("; "), share.conversionRate],
  ];
}
