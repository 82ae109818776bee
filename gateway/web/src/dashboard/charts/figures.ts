// A figure with its label, and its change to the period before in words.

import type { Money } from "../api/queries.ts";
import { el } from "../parts/dom.ts";
import { change, number } from "../parts/format.ts";
import { amounts } from "../parts/money.ts";
import type { PeriodBefore } from "../view/period.ts";

type Words = (Node | string)[];

const NOTHING_BEFORE = "No earlier data to compare with";

/** Create an item of a description list. A figure may have several lines, such as one for each currency. */
export function figure(key: string, label: string, lines: readonly string[], against: Words = []): HTMLElement {
  return el(
    "div",
    { class: "total", "data-figure": key },
    el("dt", {}, label),
    el("dd", { class: "figure" }, ...(lines.length ? lines : ["–"]).map((line) => el("span", {}, line))),
    against.length > 0 && el("dd", { class: "change" }, ...against),
  );
}

/** Compare a count with the one before, which is null if there is no period before. */
export function countChange(value: number, before: number | null, period: PeriodBefore, isGood: boolean): Words {
  if (before === null) return [NOTHING_BEFORE];
  if (before === 0) return [`None ${period.none}${value === 0 ? " either" : ""}`];
  if (value === before) return [`The same as ${period.than}`];
  const way = !isGood ? "same" : value > before ? "up" : "down";
  return [el("span", { class: way }, change(value, before)), ` than ${period.than} (${number(before)})`];
}

/** Compare amounts, in percent if both are in one and the same currency. */
export function moneyChange(now: readonly Money[], before: readonly Money[] | null, period: PeriodBefore): Words {
  if (before === null) return [NOTHING_BEFORE];
  if (!before.length) return [`None ${period.none}${now.length ? "" : " either"}`];
  const [one, other] = [now[0], before[0]!];
  if (before.length > 1 || now.length !== 1 || one!.currency !== other.currency || other.amount <= 0) {
    return textChange(amounts(before), period);
  }
  if (one!.amount === other.amount) return [`The same as ${period.than}`];
  const way = one!.amount > other.amount ? "up" : "down";
  const words = change(one!.amount, other.amount, "less");
  return [el("span", { class: way }, words), ` than ${period.than} (${other.formatted})`];
}

/** Say what a figure was that is a text. */
export function textChange(before: readonly string[] | null, period: PeriodBefore): Words {
  if (before === null) return [NOTHING_BEFORE];
  return [before.length ? `${before.join(", ")} ${period.than}` : `None ${period.none}`];
}
