// The cells of the cross table, with the totals and with what is left of each row and column. All of them are read:
// nothing is added up here, because visitors do not add up.

import { idOf, isBotIn, type Key, type Operation } from "../charts/report-query.ts";
import type { Head } from "../view/chosen.ts";
import { amountIn, nothingOf, selectionOf, type Amount, type Figure } from "../view/cross-figures.ts";
import type { Dimension } from "../view/dimensions.ts";
import { reportFilter } from "../view/filters.ts";
import type { Span } from "../view/spans.ts";
import type { View } from "../view/view.ts";
import { DECLARED, OTHERS, SPAN, TOTAL, keysOf, type Axis, type Cells, type Place } from "./cross-axes.ts";

/** Part of an axis that one question reads: several values each by itself, or one sum. */
interface Group {
  conditions: Record<string, unknown>[];
  /** Its place, or null for one that is split into its values. */
  place: Place | null;
}

type Row = Record<string, unknown> & { keys: Key[] };
type Part = Record<string, unknown> & { breakdown?: { nodes: Row[] } };

/** Return the operation that reads all cells and totals. */
export function cellsOperation(view: View, span: Span, rows: Axis, columns: Axis): Operation {
  const variables: Record<string, unknown> = { from: span.from, to: span.to, zone: view.zone };
  const filter = reportFilter(view.filters, isBotIn(view));
  const parts = pairs(rows, columns).map(({ name, row, column }) => {
    variables[name] = { ...filter, where: [...filter.where, ...row.conditions, ...column.conditions] };
    const part = selected(view.figure, row.place ? null : rows, column.place ? null : columns);
    return `${name}: clickReport(${SPAN}, filter: $${name}) { ${part} }`;
  });
  const declared = pairs(rows, columns).map(({ name }) => `$${name}: ClickReportFilter!`);
  return { query: `query Cells(${[DECLARED, ...declared].join(", ")}) {\n${parts.join("\n")}\n}`, variables };
}

/** Return the cells of an answer. */
export function cellsIn(data: Record<string, unknown>, view: View, rows: Axis, columns: Axis): Cells {
  const found = new Map<string, Amount>();
  for (const { name, row, column } of pairs(rows, columns)) {
    const part = data[name] as Part;
    for (const each of part.breakdown?.nodes ?? [{ ...part, keys: [] }]) {
      const keys = [...each.keys];
      const place = (group: Group, { dimension }: Axis) => group.place ?? headOf(dimension, keys.shift()!);
      const marks = [place(row, rows), place(column, columns)].map(markOf);
      found.set(JSON.stringify(marks), amountIn(each, view.figure));
    }
  }
  return (row, column) => found.get(JSON.stringify([markOf(row), markOf(column)])) ?? nothingOf(view.figure);
}

/** Select the figure of each value of the axes that are split, or of all together. */
function selected(figure: Figure, ...axes: (Axis | null)[]): string {
  const split = axes.filter((axis) => axis !== null);
  if (!split.length) return selectionOf(figure);
  const by = split.map(({ dimension }) => dimension);
  const most = split.reduce((product, { heads }) => product * heads.length, 1);
  return `breakdown(by: [${by.join(", ")}], first: ${most}) { nodes { ${keysOf(by)} ${selectionOf(figure)} } }`;
}

function pairs(rows: Axis, columns: Axis): { name: string; row: Group; column: Group }[] {
  return groupsOf(rows).flatMap((row, at) =>
    groupsOf(columns).map((column, across) => ({ name: `part${at}_${across}`, row, column })),
  );
}

/** Divide an axis into what one condition names: the known values, the unknown one, the others, and everything. */
function groupsOf({ dimension, heads, others }: Axis): Group[] {
  const values = heads.flatMap(({ value }) => value ?? []);
  const unknown = heads.find(({ value }) => value === null);
  const left = [
    ...(values.length ? [{ dimension, notIn: values }] : []),
    ...(unknown ? [{ dimension, isKnown: true }] : []),
  ];
  return [
    ...(values.length ? [{ conditions: [{ dimension, in: values }], place: null }] : []),
    ...(unknown ? [{ conditions: [{ dimension, isKnown: false }], place: unknown }] : []),
    ...(others > 0 ? [{ conditions: left, place: OTHERS } as Group] : []),
    { conditions: [], place: TOTAL },
  ];
}

function headOf(dimension: Dimension, key: Key): Head {
  return { value: idOf(dimension, key) ?? null, words: "" };
}

function markOf(place: Place): [string | null] | string {
  return typeof place === "string" ? place : [place.value];
}
