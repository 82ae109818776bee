// The page header: who is signed in, the state of the live connection, and the sign-out button.

import { el } from "./dom.ts";
import type { LiveState } from "./live.ts";
import type { ViewerData } from "./queries.ts";

const STATES: Record<LiveState, string> = { connecting: "Connecting", live: "Live", lost: "Reconnecting" };

export interface Header {
  element: HTMLElement;
  state(state: LiveState): void;
}

export function header({ viewer }: ViewerData, leave: () => void): Header {
  const live = el("p", { class: "live", role: "status", "data-state": "connecting" }, STATES.connecting);
  return {
    element: el(
      "header",
      { class: "top" },
      el("p", { class: "brand" }, "clickgate"),
      el("div", { class: "who" }, whole(nameOf(viewer), "name"), whole(roleOf(viewer), "role")),
      live,
      el("button", { type: "button", class: "quiet", onclick: leave }, "Sign out"),
    ),
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
