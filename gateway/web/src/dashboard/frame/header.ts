// The page header: who is signed in, the state of the live connection, and the sign-out button.

import type { LiveState } from "../api/live.ts";
import type { ViewerData } from "../api/queries.ts";
import { el } from "../parts/dom.ts";

const STATES: Record<LiveState, string> = { connecting: "Connecting", live: "Live", lost: "Reconnecting" };

export interface Header {
  element: HTMLElement;
  state(state: LiveState): void;
  /** Name who is signed in. */
  rename(name: string): void;
}

export function header({ viewer }: ViewerData, leave: () => void): Header {
  const who = el("div", { class: "who" });
  const rename = (name: string) => who.replaceChildren(whole(name, "name"), whole(roleOf(viewer), "role"));
  rename(nameOf(viewer));
  const live = el("p", { class: "live", role: "status", "data-state": "connecting" }, STATES.connecting);
  return {
    element: el(
      "header",
      { class: "top" },
      el("p", { class: "brand" }, "clickgate"),
      who,
      live,
      el("button", { type: "button", class: "quiet", onclick: leave }, "Sign out"),
    ),
    rename,
    state(state) {
      live.dataset["state"] = state;
      live.textContent = STATES[state];
    },
  };
}

/** Return a text that may be cut off on the page, but not where the pointer is. */
function whole(text: string, kind: string): HTMLElement {
  return el("p", { class: kind, dir: "auto", title: text }, text);
}

function nameOf({ role, partner, program }: ViewerData["viewer"]): string {
  return { ADMIN: "All programs", PROGRAM: program?.name, PARTNER: partner?.name }[role] ?? "Clicks";
}

function roleOf({ role, program }: ViewerData["viewer"]): string {
  if (role === "PARTNER") return program ? `Partner of ${program.name}` : "Partner";
  return role === "PROGRAM" ? "Program" : "Administrator";
}
