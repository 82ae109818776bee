// What lists can be sorted by.

export interface Sorting {
  words: string;
  field: string;
  direction: "ASC" | "DESC";
  /** The heading of the column that it sorts by, if there is one. */
  column?: string;
}

/** By the name in the address; the usual one first. Of two that sort by the same column, the usual one comes first. */
export type Sortings = Readonly<Record<string, Sorting>>;

function amounts(column: string): Sortings {
  const [name, field] = [column.toLowerCase(), column.toUpperCase()];
  return {
    [name]: { words: `Most ${name}`, field, direction: "DESC", column },
    [`fewest-${name}`]: { words: `Fewest ${name}`, field, direction: "ASC", column },
  };
}

function texts(name: string, column: string, field: string): Sortings {
  const words = name.charAt(0).toUpperCase() + name.slice(1);
  return {
    [name]: { words: `${words}, A to Z`, field, direction: "ASC", column },
    [`${name}-z-to-a`]: { words: `${words}, Z to A`, field, direction: "DESC", column },
  };
}

function clicked(field: string): Sortings {
  return {
    latest: { words: "Latest click", field, direction: "DESC", column: "Last click" },
    earliest: { words: "Earliest last click", field, direction: "ASC", column: "Last click" },
  };
}

/** By the time in a column, which lists of what happened are sorted by. */
function times(column: string, field: string): Sortings {
  return {
    newest: { words: "Newest first", field, direction: "DESC", column },
    oldest: { words: "Oldest first", field, direction: "ASC", column },
  };
}

const COUNTED: Sortings = { ...amounts("Clicks"), ...amounts("Leads"), ...amounts("Sales") };
const CREATED: Sortings = {
  newest: { words: "Newest", field: "CREATED_AT", direction: "DESC" },
  oldest: { words: "Oldest", field: "CREATED_AT", direction: "ASC" },
};

export const LINK_SORTS: Sortings = { ...COUNTED, ...clicked("LAST_CLICKED"), ...CREATED, ...texts("code", "Link", "CODE") };
export const PARTNER_SORTS: Sortings = {
  ...COUNTED,
  ...clicked("LAST_CLICKED_AT"),
  ...CREATED,
  ...texts("name", "Partner", "NAME"),
};
export const CUSTOMER_SORTS = times("First click", "CREATED_AT");
/** Of what happened at a time, and of what was recorded then. */
export const HAPPENED_SORTS = times("Time", "OCCURRED_AT");
export const RECORDED_SORTS = times("Time", "CREATED_AT");
export const RANKING_SORTS: Sortings = { ...COUNTED, ...texts("name", "Name", "VALUE") };

/** Return the sorting that is called by a name, or else the usual one. */
export function sortingOf(sorts: Sortings, name: string): Sorting {
  return (Object.hasOwn(sorts, name) && sorts[name]) || Object.values(sorts)[0]!;
}

/** Return whether a list begins with what is oldest. */
export function isAscending(sorts: Sortings, name: string): boolean {
  return sortingOf(sorts, name).direction === "ASC";
}

/** Return what the address says of a choice: nothing of the usual one. */
export function chosenSort(sorts: Sortings, name: string): string {
  return name === Object.keys(sorts)[0] ? "" : name;
}
