// The dimensions of reports: what each is called, and how its values are written.

import { country, device, place } from "../parts/format.ts";

interface Kind {
  name: string;
  /** The name beside others of its kind, such as `Source` among campaigns. */
  short?: string;
  /** What many values are called, if that is not the name with an s. */
  many?: string;
  words?: (value: string) => string;
  /** What clicks without a known value are said to have. */
  unknown?: string;
  /** Files have the value rather than its words, which leave something out. */
  isShortened?: boolean;
}

const URL_KIND = { words: place, isShortened: true };
const DIRECT = "Direct or unknown";

const KINDS = {
  LINK: { name: "Link", unknown: "Hidden" },
  PARTNER: { name: "Partner", unknown: "Hidden" },
  PROGRAM: { name: "Program", unknown: "Hidden" },
  LANDING_PAGE: { name: "Landing page", ...URL_KIND },
  REFERRER_HOST: { name: "Referring site", short: "Site", unknown: DIRECT },
  REFERRER: { name: "Referring page", short: "Page", unknown: DIRECT, ...URL_KIND },
  UTM_CAMPAIGN: { name: "Campaign", short: "Name" },
  UTM_SOURCE: { name: "Campaign source", short: "Source" },
  UTM_MEDIUM: { name: "Campaign medium", short: "Medium" },
  UTM_TERM: { name: "Campaign term", short: "Term" },
  UTM_CONTENT: { name: "Campaign content", short: "Content" },
  SUB1: { name: "Sub-id 1", many: "values of sub-id 1", short: "1" },
  SUB2: { name: "Sub-id 2", many: "values of sub-id 2", short: "2" },
  SUB3: { name: "Sub-id 3", many: "values of sub-id 3", short: "3" },
  SUB4: { name: "Sub-id 4", many: "values of sub-id 4", short: "4" },
  SUB5: { name: "Sub-id 5", many: "values of sub-id 5", short: "5" },
  COUNTRY: { name: "Country", many: "countries", words: country },
  REGION: { name: "Region" },
  CITY: { name: "City", many: "cities" },
  DEVICE_TYPE: { name: "Device", many: "device types", short: "Type", words: device },
  DEVICE_BRAND: { name: "Device brand", short: "Brand" },
  OS: { name: "Operating system" },
  BROWSER: { name: "Browser" },
  LANGUAGE: { name: "Language" },
  DAY_OF_WEEK: { name: "Day of the week", short: "Day", words: weekday },
  HOUR_OF_DAY: { name: "Hour of the day", short: "Hour", words: (value) => `${value}:00` },
} as const satisfies Record<string, Kind>;

export type Dimension = keyof typeof KINDS;
export const DIMENSIONS = Object.keys(KINDS) as Dimension[];

const DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];
const HOUR = /^([01]\d|2[0-3])$/;
/** The longest value that the API accepts. */
const LONGEST = 2048;
const NO_TEXT = /[\0\ud800-\udfff]/u;

/** The dimensions whose values are rows of the database: conditions name their ids. */
const ROWS: readonly Dimension[] = ["LINK", "PARTNER", "PROGRAM"];
const TIMES: readonly Dimension[] = ["DAY_OF_WEEK", "HOUR_OF_DAY"];

export function hasIds(dimension: Dimension): boolean {
  return ROWS.includes(dimension);
}

/** Return whether the values have an order of their own: that of the clock or the calendar. */
export function isTime(dimension: Dimension): boolean {
  return TIMES.includes(dimension);
}

/** Return the place of a time among the others of its dimension. */
export function placeInTime(value: string): number {
  return DAYS.includes(value) ? DAYS.indexOf(value) : Number(value);
}

export function nameOf(dimension: Dimension): string {
  return KINDS[dimension].name;
}

/** Return what many values are called, in lower case. */
export function manyOf(dimension: Dimension): string {
  const kind: Kind = KINDS[dimension];
  return kind.many ?? `${kind.name.toLowerCase()}s`;
}

export function shortNameOf(dimension: Dimension): string {
  const kind: Kind = KINDS[dimension];
  return kind.short ?? kind.name;
}

/** Return a value in words; null is not known. */
export function wordsOf(dimension: Dimension, value: string | null): string {
  const kind: Kind = KINDS[dimension];
  return value === null ? (kind.unknown ?? "Unknown") : (kind.words?.(value) ?? value);
}

/** Return whether the values are shown in words that are sorted otherwise than themselves. */
export function isTranslated(dimension: Dimension): boolean {
  const kind: Kind = KINDS[dimension];
  return kind.words !== undefined && !kind.isShortened;
}

/** Return a value as a file has it: in words, unless these leave something out. */
export function textOf(dimension: Dimension, value: string | null): string {
  const kind: Kind = KINDS[dimension];
  return value !== null && kind.isShortened ? value : wordsOf(dimension, value);
}

/** Return the dimension that an address calls by its name in lower case. */
export function dimensionCalled(name: string): Dimension | null {
  return DIMENSIONS.find((each) => each.toLowerCase() === name.toLowerCase()) ?? null;
}

/** Return whether the API would accept a value; an id may still be wrong. */
export function isValue(dimension: Dimension, value: string): boolean {
  if (dimension === "DAY_OF_WEEK") return DAYS.includes(value);
  if (dimension === "HOUR_OF_DAY") return HOUR.test(value);
  return value.length <= LONGEST && !NO_TEXT.test(value);
}

function weekday(value: string): string {
  return value.charAt(0) + value.slice(1).toLowerCase();
}
