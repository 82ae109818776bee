// What a section is asked to show.

import type { Names } from "./names.ts";
import type { Span } from "./spans.ts";
import type { View } from "./view.ts";

/** The columns that lists have beside their own. */
export interface Columns {
  partner: boolean;
  program: boolean;
}

/** A view with what is known of it. What is no longer wanted is aborted. */
export interface Asked {
  view: View;
  span: Span;
  columns: Columns;
  names: Names;
  signal: AbortSignal;
}
