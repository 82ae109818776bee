// The dashboard's GraphQL operations and the types of their results.

export type Role = "ADMIN" | "PROGRAM" | "PARTNER";
export type Interval = "HOUR" | "DAY" | "WEEK" | "MONTH";

export interface Named {
  id: string;
  name: string;
}

/** A program, with what forms are filled in with. */
export interface Program extends Named {
  databaseId: number;
  domain: string | null;
  currency: string;
}

export interface ViewerData {
  viewer: { role: Role; program: Named | null; partner: Named | null };
  programs: { nodes: Program[] } | null;
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
  visitors: number;
}

export interface Bucket extends Counts {
  start: string;
  end: string;
}

/** What the URL of a click's landing page says about it. */
const DESCRIBED = [
  ...(["utmSource", "utmMedium", "utmCampaign", "utmTerm", "utmContent"] as const),
  ...(["sub1", "sub2", "sub3", "sub4", "sub5"] as const),
] as const;
type Described = (typeof DESCRIBED)[number];

export interface Click extends Record<Described, string | null> {
  id: string;
  occurredAt: string;
  isBot: boolean;
  pageUrl: string | null;
  affiliateUrl: string;
  landingPage: string | null;
  referrerUrl: string | null;
  referrerHost: string | null;
  language: string | null;
  country: string | null;
  region: string | null;
  city: string | null;
  deviceType: string | null;
  deviceBrand: string | null;
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

export interface Page<Item> {
  nodes: Item[];
  pageInfo: PageInfo;
  totalCount: number;
}

export interface ClicksData {
  clickEvents: { nodes: Click[]; pageInfo: PageInfo } | null;
}

export interface Link {
  id: string;
  code: string;
  url: string | null;
  destinationUrl: string | null;
  status: "ACTIVE" | "INACTIVE";
  /** Since when its partner is suspended, so that it records no clicks. */
  partnerSuspendedAt: string | null;
  clicks: number;
  leadCount: number;
  saleCount: number;
  revenue: Money[];
  earnings: Money[];
  lastClicked: string | null;
  partner: { name: string } | null;
  program: Named | null;
}

/** What is shown of a link that is only to be copied. */
export type OwnLink = Pick<Link, "id" | "code" | "url" | "status" | "partnerSuspendedAt">;

export interface LinksData {
  referralLinks: { nodes: Link[]; pageInfo: PageInfo; totalCount: number } | null;
}

/** What a partner earned in a period. */
export type Earned = Pick<Counts, "people" | "leads" | "sales" | "earnings">;

/** A partner's commissions in a program, by what has become of them. */
export interface Account {
  program: Named;
  pending: Money[];
  balance: Money[];
  paid: Money[];
}

export interface StandingData {
  today: Earned | null;
  todayBefore: Earned | null;
  month: Earned | null;
  monthBefore: Earned | null;
  referralLinks: { nodes: OwnLink[]; totalCount: number } | null;
  partnerPrograms: { nodes: Account[] } | null;
}

export const MONEY = "amount currency formatted";
/** What reports count, of everything that is counted. */
export const COUNTS = `clicks people bots leads sales revenue { ${MONEY} } earnings { ${MONEY} } conversionRate`;
const CLICK = `
  id occurredAt isBot pageUrl affiliateUrl landingPage referrerUrl referrerHost language country region city
  deviceType deviceBrand os browser
  ${DESCRIBED.join(" ")}
  referralLink { id code } partner { id name } program { id name }
`;

export const VIEWER = `
query Viewer {
  viewer { role program { id name } partner { id name } }
  programs(first: 100, orderBy: {field: NAME, direction: ASC}) { nodes { id name databaseId domain currency } }
}`;

export const CLICKS = `
query Clicks(
  $first: Int, $after: String, $last: Int, $before: String, $filter: ClickEventFilter!, $order: EventOrder!
) {
  clickEvents(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    nodes { ${CLICK} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

export const LINKS = `
query Links(
  $first: Int, $after: String, $last: Int, $before: String
  $filter: ReferralLinkFilter!, $order: ReferralLinkOrder!
) {
  referralLinks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    nodes {
      id code url destinationUrl status partnerSuspendedAt clicks leadCount saleCount lastClicked partner { name } program { id name }
      revenue { ${MONEY} } earnings { ${MONEY} }
    }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
  }
}`;

export const STANDING = `
query Standing(
  $today: DateTime!, $month: DateTime!, $end: DateTime!, $yesterday: DateTime!, $yesterdayEnd: DateTime!
  $lastMonth: DateTime!, $lastMonthEnd: DateTime!, $zone: String!, $few: Int!
) {
  today: clickReport(from: $today, to: $end, timezone: $zone) { ...Earned }
  todayBefore: clickReport(from: $yesterday, to: $yesterdayEnd, timezone: $zone) { ...Earned }
  month: clickReport(from: $month, to: $end, timezone: $zone) { ...Earned }
  monthBefore: clickReport(from: $lastMonth, to: $lastMonthEnd, timezone: $zone) { ...Earned }
  referralLinks(first: $few, orderBy: {field: CLICKS}) { totalCount nodes { id code url status partnerSuspendedAt } }
  partnerPrograms(first: 20, orderBy: {field: CLICKS}) {
    nodes { program { id name } pending { ${MONEY} } balance { ${MONEY} } paid { ${MONEY} } }
  }
}
fragment Earned on ClickCounts { people leads sales earnings { ${MONEY} } }`;

export const WATCH = `
subscription Watch($program: ID, $link: ID) {
  clickTracked(programId: $program, linkId: $link) { ${CLICK} }
}`;

export interface WatchData {
  clickTracked: Click;
}
