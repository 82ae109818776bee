// What the lists of links and partners can be sorted by.

export interface Sorting {
  words: string;
  field: string;
  direction: "ASC" | "DESC";
}

const MOST: Record<string, Sorting> = {
  clicks: { words: "Most clicks", field: "CLICKS", direction: "DESC" },
  leads: { words: "Most leads", field: "LEADS", direction: "DESC" },
  sales: { words: "Most sales", field: "SALES", direction: "DESC" },
};
const NEWEST: Sorting = { words: "Newest", field: "CREATED_AT", direction: "DESC" };

/** By the name in the address; the usual one first. */
export const LINK_SORTS: Record<string, Sorting> = {
  ...MOST,
  latest: { words: "Latest click", field: "LAST_CLICKED", direction: "DESC" },
  newest: NEWEST,
  code: { words: "Code, A to Z", field: "CODE", direction: "ASC" },
};
export const PARTNER_SORTS: Record<string, Sorting> = {
  ...MOST,
  latest: { words: "Latest click", field: "LAST_CLICKED_AT", direction: "DESC" },
  newest: NEWEST,
  name: { words: "Name, A to Z", field: "NAME", direction: "ASC" },
};

/** Return the sorting that is called by a name, or else the usual one. */
export function sortingOf(sorts: Record<string, Sorting>, name: string): Sorting {
  return (Object.hasOwn(sorts, name) && sorts[name]) || Object.values(sorts)[0]!;
}
