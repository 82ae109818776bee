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

export const MONEY = "amount currency formatted";
/** What reports count, of everything that is counted. */
export const COUNTS = `clicks people bots leads sales revenue { ${MONEY} } earnings { ${MONEY} } conversionRate`;
const CLICK = `
  id occurredAt isBot pageUrl affiliateUrl landingPage referrerUrl referrerHost country city deviceType os browser
  ${DESCRIBED.join(" ")}
  referralLink { id code } partner { id name } program { id name }
`;

export const VIEWER = `
query Viewer {
  viewer { role program { id name } partner { id name } }
  programs(first: 100, orderBy: {field: NAME, direction: ASC}) { nodes { id name } }
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

export const WATCH = `
subscription Watch($program: ID, $link: ID) {
  clickTracked(programId: $program, linkId: $link) { ${CLICK} }
}`;

export interface WatchData {
  clickTracked: Click;
}
