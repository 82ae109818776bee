// The dashboard's beginning: shows the board to whoever is signed in, and a way to sign in to everybody else.

import "@fontsource-variable/inter/wght.css";
import "uplot/dist/uPlot.min.css";
import { adoptToken, forgetToken, token } from "../token.ts";
import { forgetOthers, forgetView } from "./address.ts";
import { Away, Refused, ask } from "./api.ts";
import { Board } from "./board.ts";
import "./styles/base.css";
import "./styles/board.css";
import "./styles/tables.css";
import { Notice } from "./notice.ts";
import { VIEWER, type ViewerData } from "./queries.ts";
import { SignIn } from "./signin.ts";

const root = document.getElementById("root")!;
let open: Board | null = null;

function leave(why: string | null): void {
  // What was looked at goes with whoever looked; an address that nobody opened yet is still to be opened.
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
  document.title = "Dashboard – clickgate";
  open = new Board(viewer, leave);
  root.replaceChildren(open.element);
  if (isFresh) open.element.querySelector("h1")?.focus();
}

function close(): void {
  open?.close();
  open = null;
}

/** Ask who the token is for, for as long as the gateway is away. */
async function start(trouble = new Notice(() => void start(trouble))): Promise<void> {
  adoptToken();
  forgetOthers();
  if (token() === null) return leave(null);
  try {
    const viewer = await ask<ViewerData>(VIEWER);
    trouble.clear();
    enter(viewer, false);
  } catch (error) {
    if (error instanceof Refused) return leave("This token is not accepted. It may be mistyped, expired or revoked.");
    if (!(error instanceof Away)) console.error(error);
    root.replaceChildren(trouble.element);
    trouble.show(error);
  }
}

addEventListener("popstate", () => open ?? forgetOthers());
addEventListener("hashchange", () => location.hash.startsWith("#token=") && void start());
void start();
