// Draws the cross table. Each cell and each name is a button that filters the view.

import { el } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import type { Press } from "../view/chosen.ts";
import { isNothing, linesOf } from "../view/cross-figures.ts";
import { nameOf } from "../view/dimensions.ts";
import { OTHERS, TOTAL, type Axis, type Cells, type Place } from "./cross-axes.ts";

export interface CrossTable {
  rows: Axis;
  columns: Axis;
  cells: Cells;
}

export function crossTable({ rows, columns, cells }: CrossTable, caption: string, press: Press): HTMLTableElement {
  const across = placesOf(columns);
  const corner = `${nameOf(rows.dimension)} by ${nameOf(columns.dimension).toLowerCase()}`;
  const head = el("tr", {}, el("th", { scope: "col" }, corner), ...across.map((each) => heading("col", columns, each, press)));
  const line = (row: Place) =>
    el(
      "tr",
      { class: kindOf(row) },
      heading("row", rows, row, press),
      ...across.map((column) => cell(rows, columns, row, column, cells, press)),
    );
  const [total, ...others] = [...placesOf(rows)].reverse();
  return el(
    "table",
    { class: "cross" },
    el("caption", { class: "unseen" }, caption),
    el("thead", {}, head),
    el("tbody", {}, ...others.reverse().map(line)),
    el("tfoot", {}, line(total!)),
  );
}

function placesOf({ heads, others }: Axis): Place[] {
  return [...heads, ...(others > 0 ? [OTHERS as Place] : []), TOTAL];
}

function heading(scope: "row" | "col", axis: Axis, place: Place, press: Press): HTMLElement {
  return el("th", { scope, class: scope === "col" && `number ${kindOf(place)}` }, nameIn(axis, place, press));
}

/** Return the class of a row or column. */
function kindOf(place: Place): string {
  return typeof place === "string" ? { [TOTAL]: "sum", [OTHERS]: "left" }[place] : "";
}

function nameIn({ dimension, others }: Axis, place: Place, press: Press): HTMLElement {
  if (place === TOTAL) return el("span", {}, "Total");
  if (place === OTHERS) return el("span", {}, `${number(others)} ${others === 1 ? "other" : "others"}`);
  const attributes = {
    type: "button",
    class: "choice",
    dir: "auto",
    title: `${place.words}: show only this`,
    "data-focus": `${dimension} ${place.value ?? ""}`,
    onclick: () => press({ dimension, ...place }),
  };
  return el("button", attributes, place.words);
}

function cell(rows: Axis, columns: Axis, row: Place, column: Place, cells: Cells, press: Press): HTMLElement {
  const amount = cells(row, column);
  const lines = linesOf(amount).map((line) => el("span", {}, line));
  const classes = `number ${kindOf(column)}`;
  if (typeof row === "string" || typeof column === "string" || isNothing(amount)) {
    return el("td", { class: isNothing(amount) ? `${classes} none` : classes }, ...lines);
  }
  const attributes = {
    type: "button",
    class: "choice",
    title: `Show only ${row.words} and ${column.words}`,
    "data-focus": `${row.value ?? ""} ${column.value ?? ""}`,
    onclick: () => press({ dimension: rows.dimension, ...row }, { dimension: columns.dimension, ...column }),
  };
  return el("td", { class: classes }, el("button", attributes, ...lines));
}
