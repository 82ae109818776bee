// The table of what is wrong with the lines of a file, and a file of it.

import { cut } from "../lists/list-cells.ts";
import { csv, save } from "../parts/csv.ts";
import { el, unseen, withRoles } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import type { LineProblem } from "./link-import.ts";

/** Enough to see what is wrong in general; the file has the rest. */
const SHOWN = 100;

/** Create the table. `lines` are those of the file. */
export function problemTable(problems: readonly LineProblem[], lines: readonly string[]): HTMLElement {
  const heads = ["Where", "Problem", "The line"].map((words) => el("th", { scope: "col" }, words));
  const rows = problems.slice(0, SHOWN).map((each) => row(each, lines[each.line - 1]));
  const table = el("table", { class: "stacked figures problems" }, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...rows));
  const keep = () => save("problems.csv", fileOf(problems, lines));
  const button = el("button", { type: "button", class: "quiet save", onclick: keep }, "CSV", unseen(" of the problems"));
  const words = problems.length > SHOWN ? `The first ${SHOWN} of ${number(problems.length)} problems` : "";
  return el("div", {}, el("div", { class: "import-head" }, el("p", { class: "note" }, words), button), withRoles(table));
}

function row({ line, field, problem }: LineProblem, text = ""): HTMLElement {
  const words = field ? `${field} ${problem}` : problem;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, `Line ${number(line)}`),
    el("td", { class: "name", "data-label": "Problem" }, words),
    el("td", { class: "name", "data-label": "The line" }, cut(text)),
  );
}

function fileOf(problems: readonly LineProblem[], lines: readonly string[]): Blob {
  const rows = problems.map(({ line, field, problem }) => [line, field, problem, lines[line - 1] ?? ""]);
  return new Blob([csv([["line", "column", "problem", "text"], ...rows])], { type: "text/csv" });
}
