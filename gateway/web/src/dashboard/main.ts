// The dashboard's entry point. It shows the board to a signed-in user and the sign-in form to anyone else.

import "@fontsource-variable/inter/wght.css";
import "uplot/dist/uPlot.min.css";
import { adoptToken, forgetToken, token } from "../token.ts";
import { forgetOthers, forgetView } from "./address.ts";
import { Away, Refused, ask } from "./api.ts";
import { Board } from "./board.ts";
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
import { Notice } from "./notice.ts";
import { VIEWER, type ViewerData } from "./queries.ts";
import { SignIn } from "./signin.ts";

// Browsers look for the icon again when the address changes, and relative to that.
const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]")!;
icon.href = String(icon.href);
const root = document.getElementById("root")!;
let open: Board | null = null;

function leave(why: string | null): void {
  // Signing out clears the view. A shared address that was opened signed-out keeps it for after signing in.
  if (open) forgetView();
  forgetToken();
  close();
  document.title = "Sign in – clickgate";
  const form = new SignIn(why, (viewer) => enter(viewer, true));
  root.replaceChildren(form.element);
  form.focus();
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

/** Look up the token's owner, retrying while the gateway is unavailable. */
async function start(trouble = new Notice(() => void start(trouble))): Promise<void> {
  adoptToken();
  forgetOthers();
  if (token() === null) return leave(null);
  try {
    const viewer = await ask<ViewerData>(VIEWER);
    trouble.clear();
    enter(viewer, false);
  } catch (error) {
    if (error instanceof Refused) return leave("This token was not accepted. It may be mistyped, expired or revoked.");
    if (!(error instanceof Away)) console.error(error);
    root.replaceChildren(trouble.element);
    trouble.show(error);
  }
}

addEventListener("popstate", () => open ?? forgetOthers());
addEventListener("hashchange", () => location.hash.startsWith("#token=") && void start());
void start();
