// The dashboard's GraphQL operations and the types of their results.

export type Role = "ADMIN" | "PROGRAM" | "PARTNER";
export type Interval = "HOUR" | "DAY" | "WEEK" | "MONTH";

export interface Named {
  id: string;
  name: string;
}

export interface ViewerData {
  viewer: { role: Role; program: Named | null; partner: Named | null };
  programs: { nodes: Named[] } | null;
}

/** An amount in minor units of a currency, and as text. */
export interface Money {
  amount: number;
  currency: string;
  formatted: string;
}

export interface Counts {
  clicks: number;
  people: number;
  bots: number;
  leads: number;
  sales: number;
  /** One amount for each currency. */
  revenue: Money[];
  earnings: Money[];
  conversionRate: number | null;
}

export interface Totals extends Counts {
  customers: number;
}

export interface Bucket extends Counts {
  start: string;
  end: string;
}

export interface Share extends Counts {
  value: string | null;
  referralLink?: { id: string } | null;
  partner?: { id: string } | null;
  program?: { id: string } | null;
}

export const RANKINGS = [
  "links",
  "partners",
  "programs",
  "pages",
  "referrers",
  "countries",
  "devices",
  "browsers",
  "systems",
] as const;
export type Ranking = (typeof RANKINGS)[number];

export interface Report extends Counts, Partial<Record<Ranking, Share[]>> {
  dataAsOf: string;
  series: Bucket[];
}

export interface ReportData {
  report: Report | null;
  newcomers: Newcomers | null;
  before?: Counts | null;
  newcomersBefore?: Newcomers | null;
}

interface Newcomers {
  customers: number;
}

/** What the URL of a click's landing page says about it, with the names of the columns in a CSV. */
export const DESCRIBED = {
  utmSource: "utm_source",
  utmMedium: "utm_medium",
  utmCampaign: "utm_campaign",
  utmTerm: "utm_term",
  utmContent: "utm_content",
  sub1: "sub1",
  sub2: "sub2",
  sub3: "sub3",
  sub4: "sub4",
  sub5: "sub5",
} as const;
type Described = keyof typeof DESCRIBED;

export interface Click extends Record<Described, string | null> {
  id: string;
  occurredAt: string;
  isBot: boolean;
  pageUrl: string | null;
  affiliateUrl: string;
  referrerUrl: string | null;
  referrerHost: string | null;
  country: string | null;
  city: string | null;
  deviceType: string | null;
  os: string | null;
  browser: string | null;
  referralLink: { id: string; code: string } | null;
  partner: Named;
  program: Named;
}

export interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

export interface ClicksData {
  clickEvents: { nodes: Click[]; pageInfo: PageInfo } | null;
}

export interface Link {
  id: string;
  code: string;
  url: string | null;
  status: "ACTIVE" | "INACTIVE";
  clicks: number;
  lastClicked: string | null;
  partner: { name: string } | null;
}

export interface LinksData {
  referralLinks: { nodes: Link[]; pageInfo: PageInfo } | null;
}

const MONEY = "amount currency formatted";
const COUNTS = `clicks people bots leads sales revenue { ${MONEY} } earnings { ${MONEY} } conversionRate`;
const CLICK = `
  id occurredAt isBot pageUrl affiliateUrl referrerUrl referrerHost country city deviceType os browser
  ${Object.keys(DESCRIBED).join(" ")}
  referralLink { id code } partner { id name } program { id name }
`;

export const VIEWER = `
query Viewer {
  viewer { role program { id name } partner { id name } }
  programs(first: 100, orderBy: {field: NAME, direction: ASC}) { nodes { id name } }
}`;

/** New customers have a filter of their own: they exclude bots unless the view shows only bots. */
export const REPORT = `
query Report(
  $from: DateTime!, $to: DateTime!, $beforeFrom: DateTime!, $beforeTo: DateTime!, $zone: String!,
  $interval: ReportInterval!, $filter: ClickReportFilter!, $newcomers: ClickReportFilter!, $top: Int!,
  $withPartners: Boolean!, $withPrograms: Boolean!, $withBefore: Boolean!
) {
  report: clickReport(from: $from, to: $to, timezone: $zone, filter: $filter) {
    ${COUNTS} dataAsOf
    series(interval: $interval) { start end ${COUNTS} }
    links: top(by: LINK, limit: $top) { value ${COUNTS} referralLink { id } }
    partners: top(by: PARTNER, limit: $top) @include(if: $withPartners) { value ${COUNTS} partner { id } }
    programs: top(by: PROGRAM, limit: $top) @include(if: $withPrograms) { value ${COUNTS} program { id } }
    pages: top(by: LANDING_PAGE, limit: $top) { value ${COUNTS} }
    referrers: top(by: REFERRER, limit: $top) { value ${COUNTS} }
    countries: top(by: COUNTRY, limit: $top) { value ${COUNTS} }
    devices: top(by: DEVICE_TYPE, limit: $top) { value ${COUNTS} }
    browsers: top(by: BROWSER, limit: $top) { value ${COUNTS} }
    systems: top(by: OS, limit: $top) { value ${COUNTS} }
  }
  newcomers: clickReport(from: $from, to: $to, filter: $newcomers) { customers }
  before: clickReport(from: $beforeFrom, to: $beforeTo, filter: $filter) @include(if: $withBefore) { ${COUNTS} }
  newcomersBefore: clickReport(from: $beforeFrom, to: $beforeTo, filter: $newcomers) @include(if: $withBefore) {
    customers
  }
}`;

export const CLICKS = `
query Clicks($first: Int, $after: String, $last: Int, $before: String, $filter: ClickEventFilter!) {
  clickEvents(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    nodes { ${CLICK} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export const LINKS = `
query Links($first: Int!, $after: String, $filter: ReferralLinkFilter!) {
  referralLinks(first: $first, after: $after, filter: $filter, orderBy: {field: CLICKS, direction: DESC}) {
    nodes { id code url status clicks lastClicked partner { name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

/** The names of the partner and the link that a view is filtered by. */
export const NAMES = `
query Names($partner: ID!, $withPartner: Boolean!, $link: ID!, $withLink: Boolean!) {
  partner(id: $partner) @include(if: $withPartner) { name }
  referralLink(id: $link) @include(if: $withLink) { code }
}`;

export interface NamesData {
  partner?: { name: string } | null;
  referralLink?: { code: string } | null;
}

export const WATCH = `
subscription Watch($program: ID, $link: ID) {
  clickTracked(programId: $program, linkId: $link) { ${CLICK} }
}`;

export interface WatchData {
  clickTracked: Click;
}
