// Keeps the view in the page's address. History entries belong to the session that created them, so that a user who
// signs in later in the same tab does not see what an earlier one looked at.

import { session } from "../token.ts";
import type { View } from "./view.ts";
import { searchOf, viewIn, type Opened } from "./view-address.ts";

/** Return the view in the address, and complete the address so that everyone who opens it sees the same. */
export function viewHere(): Opened {
  forgetOthers();
  const opened = viewIn(location.search);
  correct(opened.view);
  return opened;
}

/** Show a view in the address, in place of the last one. */
export function correct(view: View): void {
  history.replaceState(mark(), "", location.pathname + searchOf(view));
}

/** Show a view in the address, as a new history entry. */
export function goTo(view: View): void {
  history.pushState(mark(), "", location.pathname + searchOf(view));
}

/** Remove the view from the address. */
export function forgetView(): void {
  history.replaceState(null, "", location.pathname);
}

/** Remove the view from the address if another session left it there. */
export function forgetOthers(): void {
  const { session: maker } = (history.state ?? {}) as { session?: string };
  if (maker !== undefined && maker !== session()) forgetView();
}

function mark(): { session: string | null } {
  return { session: session() };
}
