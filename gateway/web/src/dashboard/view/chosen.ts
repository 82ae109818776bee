// Values that a view is filtered by.

import type { Dimension } from "./dimensions.ts";

/** A value as the API has it, and what the page calls it. */
export interface Head {
  value: string | null;
  words: string;
}

/** A value that was pressed. */
export interface Chosen extends Head {
  dimension: Dimension;
}
export type Press = (...chosen: Chosen[]) => void;
