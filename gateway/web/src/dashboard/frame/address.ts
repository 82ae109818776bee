// Keeps the section and the view in the page's address. History entries belong to the session that created them, so
// that a user who signs in later in the same tab does not see what an earlier one looked at.

import { ROOT } from "../../endpoint.ts";
import { session } from "../../session.ts";
import { searchOf, viewIn, type Opened } from "../view/view-address.ts";
import { SECTION_KEYS, type SectionKey, type View } from "../view/view.ts";

const HOME = new URL("dashboard", ROOT).pathname;
/** The parts of a view that were all on one page once, and the sections that show them now. */
const FORMER: readonly (readonly [string, SectionKey])[] = [
  ["list", "conversions"],
  ["rows", "reports"],
  ["columns", "reports"],
  ["figure", "reports"],
];

/** A section and the view in an address, and what the address calls a section although there is none. */
export interface Place extends Opened {
  section: SectionKey;
  unknown: string | null;
}

/** Return what the address shows, and complete the address so that everyone who opens it sees the same. `isSeen` tells
 * the sections that the viewer may see. */
export function placeHere(isSeen: (section: SectionKey) => boolean): Place {
  forgetOthers();
  const called = location.pathname.slice(HOME.length + 1);
  const known = SECTION_KEYS.find((each) => each === (called || "overview") && isSeen(each));
  const given = new URLSearchParams(location.search);
  const former = known === "overview" ? FORMER.find(([name]) => given.has(name))?.[1] : undefined;
  const section = former ?? known ?? "overview";
  const opened = viewIn(location.search, section);
  correct(section, opened.view);
  return { section, unknown: known ? null : called, ...opened };
}

/** Return the address of a section. */
export function addressOf(section: SectionKey, view: View): string {
  return HOME + (section === "overview" ? "" : `/${section}`) + searchOf(view, section);
}

/** Show a view in the address, in place of the last one. */
export function correct(section: SectionKey, view: View): void {
  history.replaceState(mark(), "", addressOf(section, view));
}

/** Show a view in the address, as a new history entry. */
export function goTo(section: SectionKey, view: View): void {
  history.pushState(mark(), "", addressOf(section, view));
}

/** Remove the view from the address. */
export function forgetView(): void {
  history.replaceState(null, "", HOME);
}

/** Remove the view from the address if another session left it there. */
export function forgetOthers(): void {
  const { session: maker } = (history.state ?? {}) as { session?: string };
  if (maker !== undefined && maker !== session()) forgetView();
}

function mark(): { session: string | null } {
  return { session: session() };
}
