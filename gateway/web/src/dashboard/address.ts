// The address, in which all of a view stands. Entries of the history belong to the session that made them: whoever signs
// in later in the same tab is not shown what an earlier session looked at.

import { session } from "../token.ts";
import { searchOf, viewIn, type View } from "./view.ts";

/** Return the view that the address asks for, and complete the address, so that whoever opens it sees the same. */
export function viewHere(): View {
  forgetOthers();
  const view = viewIn(location.search);
  history.replaceState(mark(), "", location.pathname + searchOf(view));
  return view;
}

/** Go on to a view, with a way back. */
export function goTo(view: View): void {
  history.pushState(mark(), "", location.pathname + searchOf(view));
}

/** Drop the view from the address. */
export function forgetView(): void {
  history.replaceState(null, "", location.pathname);
}

/** Drop the view from the address if another session left it there. */
export function forgetOthers(): void {
  const { session: maker } = (history.state ?? {}) as { session?: string };
  if (maker !== undefined && maker !== session()) forgetView();
}

function mark(): { session: string | null } {
  return { session: session() };
}
