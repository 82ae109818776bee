// The cards of rankings: what each can show, and which dimension it shows in a view.

import { dimensionCalled, type Dimension } from "./dimensions.ts";

export interface Card {
  /** Its name in the page, for styles and tests. */
  key: string;
  title: string;
  /** The dimensions that it can show, the usual one first. */
  tabs: readonly Dimension[];
  /** Which of them are known differs from partner to partner: offer those that are. */
  isSparse?: boolean;
}

/** The dimensions that cards show where these are not their first, in no order. */
export type Tabs = readonly Dimension[];

/** What was clicked. */
const WHAT: readonly Card[] = [
  { key: "links", title: "Links", tabs: ["LINK"] },
  { key: "partners", title: "Partners", tabs: ["PARTNER"] },
  { key: "programs", title: "Programs", tabs: ["PROGRAM"] },
  { key: "pages", title: "Landing pages", tabs: ["LANDING_PAGE"] },
  { key: "referrers", title: "Referrers", tabs: ["REFERRER_HOST", "REFERRER"] },
  {
    key: "campaigns",
    title: "Campaigns",
    tabs: ["UTM_CAMPAIGN", "UTM_SOURCE", "UTM_MEDIUM", "UTM_TERM", "UTM_CONTENT"],
    isSparse: true,
  },
  { key: "tags", title: "Sub-ids", tabs: ["SUB1", "SUB2", "SUB3", "SUB4", "SUB5"], isSparse: true },
];
/** Who clicked it, and when. */
const WHO: readonly Card[] = [
  { key: "countries", title: "Places", tabs: ["COUNTRY", "REGION", "CITY"] },
  { key: "devices", title: "Devices", tabs: ["DEVICE_TYPE", "DEVICE_BRAND"] },
  { key: "browsers", title: "Browsers", tabs: ["BROWSER", "LANGUAGE"] },
  { key: "systems", title: "Operating systems", tabs: ["OS"] },
  { key: "times", title: "Times", tabs: ["DAY_OF_WEEK", "HOUR_OF_DAY"] },
];
export const GROUPS: readonly (readonly Card[])[] = [WHAT, WHO];
const CARDS = GROUPS.flat();

/** Read the chosen tabs from an address. */
export function tabsIn(text: string): Tabs {
  const called = text.split(".").flatMap((name) => dimensionCalled(name) ?? []);
  return CARDS.flatMap(({ tabs }) => tabs.find((tab) => called.includes(tab)) ?? []).filter(isSecond);
}

/** Return the tabs after one of them was chosen. */
export function choosing(chosen: Tabs, tab: Dimension): Tabs {
  const { tabs } = cardOf(tab);
  return tabsIn([...chosen.filter((each) => !tabs.includes(each)), tab].join("."));
}

/** Return the card that can show a dimension. */
export function cardOf(dimension: Dimension): Card {
  return CARDS.find((card) => card.tabs.includes(dimension))!;
}

/** Return the dimension that a card shows: the chosen one, or else the first of which something is known. */
export function shownBy(card: Card, chosen: Tabs, isKnown: (dimension: Dimension) => boolean): Dimension {
  const usual = (card.isSparse && card.tabs.find(isKnown)) || card.tabs[0]!;
  return card.tabs.find((tab) => chosen.includes(tab)) ?? usual;
}

/** Return the dimensions to ask for: those that are shown, and with `all` those that a sparse card could offer. */
export function asked(
  chosen: Tabs,
  all: boolean,
  isKnown: (dimension: Dimension) => boolean,
  isOffered: (card: Card) => boolean,
): Dimension[] {
  const tabs = (card: Card) => (card.isSparse && all ? card.tabs : [shownBy(card, chosen, isKnown)]);
  return CARDS.filter(isOffered).flatMap(tabs);
}

function isSecond(tab: Dimension): boolean {
  return CARDS.every(({ tabs }) => tabs[0] !== tab);
}
