// The operation that reads a view: totals, series, rankings and the names of what it is filtered by, in one document.

import { COUNTS, type Bucket, type Counts } from "../api/queries.ts";
import { cardOf } from "../view/cards.ts";
import { hasIds, isTime, type Dimension } from "../view/dimensions.ts";
import { confined, opened, reportFilter } from "../view/filters.ts";
import type { Span } from "../view/spans.ts";
import type { View } from "../view/view.ts";

const TOP = 8;
/** Hours and days are listed in full. */
const TIMES = 24;

export interface Share extends Counts {
  value: string | null;
  referralLink?: { id: string } | null;
  partner?: { id: string } | null;
  program?: { id: string } | null;
}

/** What tells rows of a report apart: a text, or a row of the database, null if it is hidden. */
export type Key = Pick<Share, "value" | "referralLink" | "partner" | "program">;

/** The first values of a ranking, whether there are more, and all clicks that it is a ranking of. */
export interface Ranked {
  shares: Share[];
  isCut: boolean;
  /** How many values there are in all, if they were counted. */
  total: number | null;
  clicks: number;
}
export type Rankings = Partial<Record<Dimension, Ranked>>;

export interface Report extends Counts {
  dataAsOf: string;
  /** Only where there is a chart. */
  series?: Bucket[];
}

interface People {
  customers: number;
  visitors: number;
}

export interface ReportData {
  report: Report | null;
  newcomers: People | null;
  before?: (Counts & { series?: Bucket[] }) | null;
  newcomersBefore?: People | null;
}

/** A page of a breakdown by one dimension. */
export interface RankedPage {
  totalCount: number;
  nodes: (Counts & { keys: Key[] })[];
}

export interface Operation {
  query: string;
  variables: Record<string, unknown>;
}

const ROW: Partial<Record<Dimension, string>> = {
  LINK: " referralLink { id }",
  PARTNER: " partner { id }",
  PROGRAM: " program { id }",
};
const SPAN = "from: $from, to: $to, timezone: $zone";
const BEFORE = "from: $beforeFrom, to: $beforeTo";

/** Return the operation that reads a view. New customers and visitors are people, unless the view shows only bots. */
export function reportOperation(view: View, span: Span, dimensions: readonly Dimension[], hasSeries: boolean): Operation {
  const facets = facetsOf(view, dimensions);
  const plain = dimensions.filter((each) => !facets.includes(each));
  const before = span.before && `
  before: clickReport(${BEFORE}, timezone: $zone, filter: $filter) { ...Counts${seriesOf(hasSeries)} }
  newcomersBefore: clickReport(${BEFORE}, filter: $people) { customers visitors }`;
  const query = `
query Report(${declarations(span, facets)}${hasSeries ? ", $interval: ReportInterval!" : ""}) {
  report: clickReport(${SPAN}, filter: $filter) {
    ...Counts dataAsOf${seriesOf(hasSeries)}
    ${plain.map(ranking).join("\n    ")}
  }
  newcomers: clickReport(${SPAN}, filter: $people) { customers visitors }${before ?? ""}
  ${facets.map((each) => `${each}: clickReport(${SPAN}, filter: $${each}) { clicks ${ranking(each)} }`).join("\n  ")}
}
fragment Counts on ClickCounts { ${COUNTS} }`;
  return { query, variables: { ...variablesOf(view, span, facets), ...(hasSeries && { interval: span.interval }) } };
}

/** Return the operation that reads one ranking of a view. */
export function rankingOperation(view: View, span: Span, dimension: Dimension): Operation {
  const filter = reportFilter(opened(view.filters, dimension), isBotIn(view));
  const query = `
query Ranking($from: DateTime!, $to: DateTime!, $zone: String!, $filter: ClickReportFilter!) {
  report: clickReport(${SPAN}, filter: $filter) { clicks ${ranking(dimension)} }
}
fragment Counts on ClickCounts { ${COUNTS} }`;
  return { query, variables: { from: span.from, to: span.to, zone: view.zone, filter } };
}

/** Return the rankings in an answer. */
export function rankingsIn(data: Record<string, unknown>, dimensions: readonly Dimension[]): Rankings {
  type Part = { clicks: number } & Partial<Record<Dimension, RankedPage | Share[]>>;
  return Object.fromEntries(
    dimensions.map((each) => {
      const part = (data[each] ?? data["report"]) as Part;
      return [each, rankedIn(part[each]!, part.clicks)];
    }),
  );
}

/** Return the ranking in a page of a breakdown, or in a list that is one longer than what is shown, given all clicks. */
export function rankedIn(found: RankedPage | Share[], clicks: number): Ranked {
  if (Array.isArray(found)) {
    const isCut = found.length === TOP + 1;
    return { shares: isCut ? found.slice(0, TOP) : found, isCut, total: null, clicks };
  }
  const shares = found.nodes.map(({ keys: [key], ...counts }) => ({ ...key!, ...counts }));
  return { shares, isCut: shares.length < found.totalCount, total: found.totalCount, clicks };
}

/** Select a page of a breakdown by one dimension, given its further arguments. */
export function rankedPage(by: Dimension, given: string): string {
  return `breakdown(by: [${by}], ${given}) { totalCount nodes { keys { value${ROW[by] ?? ""} } ...Counts } }`;
}

/** Return what a filter names a key by: an id or a text, null for what is not known, undefined for a hidden row. */
export function idOf(dimension: Dimension, { value, referralLink, partner, program }: Key): string | null | undefined {
  return hasIds(dimension) ? (referralLink ?? partner ?? program)?.id : value;
}

/** Return whether a view shows only bots or only people. */
export function isBotIn({ who }: View): boolean | null {
  return who === "all" ? null : who === "bots";
}

/** Return the dimensions whose rankings also show what the view's own filter on them keeps out, to choose it too. */
function facetsOf(view: View, dimensions: readonly Dimension[]): Dimension[] {
  const listed = confined(view.filters);
  return dimensions.filter((each) => listed.includes(each));
}

function seriesOf(isWanted: boolean): string {
  return isWanted ? " series(interval: $interval) { start end ...Counts }" : "";
}

function ranking(by: Dimension): string {
  // To count all values costs three times as much. It is left out where there are many rankings, few of them shown.
  if (!isTime(by) && !cardOf(by).isSparse) return `${by}: ${rankedPage(by, `first: ${TOP}`)}`;
  return `${by}: top(by: ${by}, limit: ${isTime(by) ? TIMES : TOP + 1}) { value ...Counts }`;
}

function declarations(span: Span, facets: Dimension[]): string {
  return [
    "$from: DateTime!, $to: DateTime!, $zone: String!",
    "$filter: ClickReportFilter!, $people: ClickReportFilter!",
    ...(span.before ? ["$beforeFrom: DateTime!, $beforeTo: DateTime!"] : []),
    ...facets.map((each) => `$${each}: ClickReportFilter!`),
  ].join(", ");
}

function variablesOf(view: View, span: Span, facets: Dimension[]): Record<string, unknown> {
  const isBot = isBotIn(view);
  return {
    ...{ from: span.from, to: span.to, zone: view.zone },
    ...{ filter: reportFilter(view.filters, isBot), people: reportFilter(view.filters, isBot ?? false) },
    ...(span.before && { beforeFrom: span.before.from, beforeTo: span.before.to }),
    ...Object.fromEntries(facets.map((each) => [each, reportFilter(opened(view.filters, each), isBot)])),
  };
}
