// What can be done with links, from the buttons of their list.

import type { Link } from "../api/queries.ts";
import { demanding } from "../parts/code.ts";
import { el } from "../parts/dom.ts";
import { menuButton } from "../parts/menu.ts";
import type { Desk } from "../view/section.ts";
import { qrButton, showing } from "./qr-button.ts";

export function newLinkButton(desk: Desk): HTMLElement {
  const create = demanding(() => import("../forms/link-form.ts"), ({ createLink }) => createLink(desk), desk.fail);
  return el("button", { type: "button", class: "primary", onclick: create, "data-focus": "new link" }, "New link");
}

export function importButton(desk: Desk): HTMLElement {
  return el("button", { type: "button", class: "quiet save", onclick: () => desk.go("import") }, "Import");
}

/** Create what a row of the list has beside the code. */
export function linkActions(link: Link, desk: Desk): HTMLElement | null {
  if (desk.isPartner) return qrButton(link, desk);
  const isActive = link.status === "ACTIVE";
  const edit = demanding(() => import("../forms/link-form.ts"), ({ editLink }) => editLink(desk, link), desk.fail);
  const turn = demanding(
    () => import("../forms/link-status.ts"),
    ({ setStatus }) => setStatus(desk, link, isActive ? "INACTIVE" : "ACTIVE"),
    desk.fail,
  );
  return menuButton(link.code, link.id, [
    { words: "URL and QR code", run: showing(link, desk) },
    { words: "Edit", run: edit },
    { words: isActive ? "Pause" : "Resume", run: turn },
  ]);
}
