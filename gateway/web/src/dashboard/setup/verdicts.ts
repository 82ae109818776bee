// Tells from what a check has found whether the tracker is installed, and what to do if it is not.

import type { Arrival, Check, Setup } from "../api/setup-queries.ts";

export interface Evidence {
  check: Check;
  /** A path of the tracker that this browser refuses to ask. */
  blocked: string | null;
  program: Setup["program"];
  arrival: Arrival | null;
  /** Whether the page was opened, and if so, whether its click is still waited for. */
  visit: "none" | "waiting" | "over";
}

export interface Verdict {
  tone: "good" | "bad" | "open";
  title: string;
  advice: string[];
  /** What to copy into the page or its headers. */
  code?: string;
}

const BLOCKER = [
  "Visitors with the same blocker are not tracked either. Turn it off to go on with this test.",
  "Blockers stop fewer requests to names that no list has, on a subdomain of your site: ask whoever runs the gateway for CLICKGATE_TRACKER_PATH and CLICKGATE_CLICK_PATH.",
];
const INSERTED = "If a tag manager inserts it, open the page: the browser sees it, and its click arrives here.";
const OPEN = "Open the page, and see whether its click arrives here. It counts nowhere.";

export function verdictOf(evidence: Evidence, moment: (at: string) => string): Verdict {
  const { check, blocked, program, arrival, visit } = evidence;
  const { state, detail } = check.page;
  if (arrival && state !== "WRONG_PROGRAM") {
    const where = `from ${arrival.page}, ${moment(arrival.arrivedAt)}`;
    return { tone: "good", title: "It is installed: the test click has arrived", advice: [`It came ${where}, and counts nowhere.`] };
  }
  if (state === "WRONG_PROGRAM") return wrongProgram(detail, program.databaseId, !!arrival);
  if (blocked) return { tone: "bad", title: `This browser blocks ${blocked}: an ad blocker, it seems`, advice: BLOCKER };
  const found = visit === "none" || state !== "FOUND" ? ofPage(evidence) : null;
  if (found && visit !== "waiting") return found;
  if (visit === "over") return overdue(check.page.waitsForConsent);
  const words = ["The page was opened in another tab. Its click usually takes a second."];
  return { tone: "open", title: "Waiting for the page’s click…", advice: found ? [found.title, ...words] : words };
}

function ofPage({ check, program }: Evidence): Verdict {
  const { state, detail, httpStatus, waitsForConsent } = check.page;
  const consent = waitsForConsent ? ["It sends nothing until the visitor has given consent, so give it there."] : [];
  switch (state) {
    case "FOUND":
      return { tone: "open", title: "The tag is on the page, and nothing there blocks it", advice: [OPEN, ...consent] };
    case "MISSING":
      return { tone: "bad", title: "The page has no tag", advice: [`Put the tag above into its <head>. ${INSERTED}`] };
    case "SCRIPT_BLOCKED":
    case "CONNECTION_BLOCKED":
      return blockedByPolicy(state === "SCRIPT_BLOCKED", detail ?? "");
    case "WRONG_GATEWAY":
      return {
        tone: "bad",
        title: `The tag sends its clicks to ${detail}`,
        advice: [`This gateway is ${location.origin}. Put the tag above in its place.`],
      };
    case "WRONG_PROGRAM":
      return wrongProgram(detail, program.databaseId, false);
    case "PRIVATE_ADDRESS":
      return {
        tone: "open",
        title: "The page is in a private network, so the gateway did not look at it",
        advice: [OPEN, "On a machine of your own, CLICKGATE_PRIVATE_SITES=true lets the gateway look at such pages, too."],
      };
    case "UNREACHABLE":
      return { tone: "bad", title: "The page’s server does not answer", advice: ["Check the address, and whether the gateway’s machine can reach it."] };
    case "TOO_MANY_REDIRECTS":
      return { tone: "bad", title: "The page redirects again and again", advice: ["Check the address of a page that shows something."] };
    case "HTTP_ERROR":
      return { tone: "bad", title: `The page answers with an error: ${httpStatus}`, advice: ["Check the address, and whether the page needs a password.", INSERTED] };
  }
}

function wrongProgram(found: string | null, own: number, hasArrived: boolean): Verdict {
  const title = found ? `The tag is that of another program: ${found} instead of ${own}` : "The tag names no program";
  const arrived = hasArrived ? "A click arrived, as it would by any link; but tests of the page are recorded for the wrong program." : "";
  return { tone: "bad", title, advice: [arrived, "Correct its attribute:"].filter(Boolean), code: `data-affitor-program-id="${own}"` };
}

function blockedByPolicy(isScript: boolean, directive: string): Verdict {
  const what = isScript ? "the tracker’s script" : "the tracker’s clicks";
  const isDefault = directive === "default-src";
  const { origin } = location;
  return {
    tone: "bad",
    title: `The page’s content security policy blocks ${what}`,
    advice: [isDefault ? "Its default-src does not allow this gateway. Add to the policy:" : `Its ${directive} does not allow this gateway. Let it say:`],
    code: isDefault ? `script-src 'self' ${origin}; connect-src 'self' ${origin}` : `${directive} … ${origin}`,
  };
}

function overdue(waitsForConsent: boolean): Verdict {
  const reasons = [
    waitsForConsent && "The tag waits for consent. Give it on the page.",
    "A redirect may have lost the part of the address after the question mark: is ?aff= still there?",
    "A blocker may stop the tracker on that page only. Look for red lines in the browser’s console there.",
  ];
  return { tone: "bad", title: "No click has come within a minute", advice: reasons.filter((each) => each !== false) };
}
