// What to search a dimension's values for, so that they are found by what the page calls them: countries by their names,
// which the gateway has only codes of.

import { wordsOf, type Dimension } from "./dimensions.ts";

const DEVICES = ["desktop", "mobile", "tablet", "tv", "console", "other"];
const LETTERS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
const MARKS = /\p{M}/gu;

/** Return the texts that a search for a text stands for; null if it stands for none. */
export function termsFor(dimension: Dimension, text: string): string[] | null {
  if (!text) return null;
  switch (dimension) {
    case "COUNTRY":
      return named(dimension, codes(), text);
    case "DEVICE_TYPE":
      return named(dimension, DEVICES, text);
    default:
      return [text];
  }
}

/** Return the values whose words, or which themselves, contain a text. */
function named(dimension: Dimension, values: readonly string[], text: string): string[] {
  const wanted = plain(text);
  return values.filter((value) => plain(wordsOf(dimension, value)).includes(wanted) || plain(value) === wanted);
}

/** Return the codes of all countries that have a name. */
function codes(): string[] {
  const all = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));
  return all.filter((code) => wordsOf("COUNTRY", code) !== code);
}

/** Return a text without case and accents. */
function plain(text: string): string {
  return text.normalize("NFD").replace(MARKS, "").toLowerCase();
}
