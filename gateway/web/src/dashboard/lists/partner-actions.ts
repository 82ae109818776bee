// What can be done with partners, from the buttons of their list.

import type { Member } from "../api/member-queries.ts";
import { demanding } from "../parts/code.ts";
import { el, unseen } from "../parts/dom.ts";
import { menuButton, type Action } from "../parts/menu.ts";
import type { Desk } from "../view/section.ts";

const form = () => import("../forms/partner-form.ts");
const invitation = () => import("../forms/invitation.ts");
const suspension = () => import("../forms/suspension.ts");

export function newPartnerButton(desk: Desk): HTMLElement {
  const create = demanding(form, ({ createPartner }) => createPartner(desk), desk.fail);
  return el("button", { type: "button", class: "primary", onclick: create, "data-focus": "new partner" }, "New partner");
}

/** Create what tells that a partner is suspended, and the button that takes it back. */
export function suspensionMark(member: Member, desk: Desk): HTMLElement[] {
  const { partner, program, suspendedAt } = member;
  if (!suspendedAt) return [];
  const back = demanding(suspension, ({ takeBack }) => takeBack(desk, member), desk.fail);
  const attributes = { type: "button", class: "quiet", "data-focus": `back ${partner.id} ${program.id}` };
  return [
    el("span", { class: "badge" }, "suspended"),
    el("button", { ...attributes, onclick: back }, "Take back", unseen(` ${partner.name}`)),
  ];
}

export function partnerActions(member: Member, zone: string, desk: Desk): HTMLElement {
  const { partner, program, suspendedAt } = member;
  const edit = demanding(form, ({ editPartner }) => editPartner(desk, member), desk.fail);
  const add = demanding(form, ({ addToProgram }) => addToProgram(desk, member), desk.fail);
  const suspend = demanding(suspension, ({ suspend }) => suspend(desk, member), desk.fail);
  const invite = demanding(invitation, ({ invite }) => invite(partner, zone), desk.fail);
  const actions: (Action | false)[] = [
    { words: "Invite", run: invite },
    { words: "Edit", run: edit },
    desk.isAdministrator && desk.programs.length > 1 && { words: "Add to a program", run: add },
    !suspendedAt && { words: "Suspend", run: suspend },
  ];
  return menuButton(partner.name, `${partner.id} ${program.id}`, actions.filter((each) => each !== false));
}
