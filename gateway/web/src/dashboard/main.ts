// The dashboard's entry point. It shows the board to a signed-in user and the sign-in form to anyone else.

import "@fontsource-variable/inter/wght.css";
import "uplot/dist/uPlot.min.css";
import { forget, onOtherTabs, resume, signIn } from "../session.ts";
import { forgetOthers, forgetView } from "./frame/address.ts";
import { Away, Refused, ask } from "./api/api.ts";
import { Board, ENDED } from "./frame/board.ts";
import { isGiven, takeGiven, type Given } from "../fragment.ts";
import { LinkSignIn } from "./frame/link-sign-in.ts";
import "./styles/base.css";
import "./styles/board.css";
import "./styles/controls.css";
import "./styles/chart.css";
import "./styles/tables.css";
import "./styles/rankings.css";
import "./styles/filters.css";
import "./styles/cross.css";
import "./styles/sections.css";
import "./styles/setup.css";
import "./styles/forms.css";
import { Notice } from "./frame/notice.ts";
import { VIEWER, type ViewerData } from "./api/queries.ts";
import { SignIn } from "./frame/signin.ts";

// Browsers look for the icon again when the address changes, and relative to that.
const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
icon.href = String(icon.href);
const root = document.getElementById("root")!;
let open: Board | null = null;
/** What a link signs in with, until it is used. */
let given: Given | null = null;

function leave(why: string | null): void {
  // Signing out clears the view. A shared address that was opened signed-out keeps it for after signing in.
  if (open) forgetView();
  forget();
  show("Sign in", new SignIn(why, (viewer) => enter(viewer, true)));
}

function enter(viewer: ViewerData, isFresh: boolean): void {
  close();
  open = new Board(viewer, leave);
  root.replaceChildren(open.element);
  if (isFresh) open.focus();
}

function close(): void {
  open?.close();
  open = null;
}

/** Show a page other than the board. */
function show(title: string, page: { element: HTMLElement; focus(): void }): void {
  close();
  document.title = `${title} – clickgate`;
  root.replaceChildren(page.element);
  page.focus();
}

/** Find out who is signed in, retrying while the gateway is unavailable. */
async function start(trouble = new Notice(() => void start(trouble))): Promise<void> {
  given = takeGiven() ?? given;
  try {
    const isSignedIn = await resume();
    trouble.clear();
    forgetOthers();
    if (given && (isSignedIn || given.kind === "sign-in")) return confirm(given, isSignedIn);
    if (given) await signIn(given);
    else if (!isSignedIn) return leave(null);
    given = null;
    enter(await ask<ViewerData>(VIEWER), false);
  } catch (error) {
    if (error instanceof Refused) return refuse();
    if (!(error instanceof Away)) console.error(error);
    root.replaceChildren(trouble.element);
    trouble.show(error);
  }
}

function refuse(): void {
  given = null;
  leave("This token was not accepted. It may be mistyped, expired or revoked.");
}

/** Ask before a link signs in. */
function confirm(by: Given, isSignedIn: boolean): void {
  given = null;
  const page = new LinkSignIn(by.kind, isSignedIn, {
    accept: async () => {
      await signIn(by);
      await start();
    },
    decline: () => void start(),
  });
  show(page.title, page);
}

onOtherTabs((isSignedIn) => {
  if (isSignedIn) void start();
  else if (open) leave(ENDED);
});
// A page that the browser kept as it was, and shows again when the user goes back to it.
addEventListener("pageshow", ({ persisted }) => persisted && void start());
addEventListener("popstate", () => open ?? forgetOthers());
addEventListener("hashchange", () => isGiven() && void start());
void start();
