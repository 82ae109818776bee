// Suspends a partner in a program, and takes it back.

import { ask, present } from "../api/api.ts";
import type { Member } from "../api/member-queries.ts";
import { el } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import type { Desk } from "../view/section.ts";
import { Invalid, change } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { checkField } from "./form-fields.ts";

type Tokens = { nodes: { program: { id: string } | null }[] } | null;

const TOKENS = `
query TokensOf($filter: ApiTokenFilter!, $first: Int!) { list: apiTokens(first: $first, filter: $filter) { nodes { program { id } } } }`;

const ELSEWHERE = "Some of them are for the partner’s other programs, too.";
const COME_BACK = "To sign in again, the partner needs a new invitation.";
const OTHERWISE = "It can still sign in, and read what it could before.";
const STAYS = "Commissions stay as they are, and can still be approved, rejected and paid. Customers whom the partner brought still count for it.";

/** Ask whether to suspend a partner, and say what that does. */
export async function suspend(desk: Desk, member: Member): Promise<void> {
  const { partner, program, active } = member;
  const ofPartner = { partnerId: partner.id, isUsable: true };
  const usable = present((await ask<{ list: Tokens }>(TOKENS, { filter: ofPartner, first: 100 })).list).nodes;
  const tokens = usable.filter((token) => !token.program || token.program.id === program.id);
  const hint = tokens.some((token) => !token.program) ? `${ELSEWHERE} ${COME_BACK}` : COME_BACK;
  const words = `Sign the partner out, and revoke ${number(tokens.length)} token${tokens.length === 1 ? "" : "s"}`;
  const access = checkField("revokeTokens", words, { hint });
  access.element.hidden = !tokens.length;
  new FormDialog({
    title: el("span", {}, "Suspend ", el("bdi", {}, partner.name)),
    fields: [access],
    content: [...[consequence(active.totalCount), STAYS].map((line) => el("p", {}, line)), access.element],
    submit: "Suspend",
    isGrave: true,
    send: () => send("suspendPartner", member, { revokeTokens: access.isChecked }),
    done: () => suspended(desk, member),
    fail: desk.fail,
  }).open();
}

/** Take a partner back at once, as it can be undone. */
export function takeBack(desk: Desk, member: Member): Promise<void> {
  return attempt(desk, async () => {
    await send("resumePartner", member);
    desk.refresh();
    desk.tell(`${member.partner.name} is back. Clicks through its active links are recorded.`, () => void suspendAgain(desk, member));
  });
}

function suspendAgain(desk: Desk, member: Member): Promise<void> {
  return attempt(desk, async () => {
    await send("suspendPartner", member);
    suspended(desk, member);
  });
}

function suspended(desk: Desk, member: Member): void {
  desk.refresh();
  desk.tell(`${member.partner.name} is suspended. Clicks through its links are not recorded.`, () => void takeBack(desk, member));
}

function consequence(links: number): string {
  const told = ["The partner has no active links, and links that it is given record no clicks", "Clicks through the partner’s only active link are not recorded"];
  return `${told[links] ?? `Clicks through the partner’s ${number(links)} active links are not recorded`} until you take the partner back. ${OTHERWISE}`;
}

function send(mutation: string, { partner, program }: Member, more: Record<string, unknown> = {}): Promise<unknown> {
  return change(mutation, "__typename", { partnerId: partner.id, programId: program.id, ...more });
}

async function attempt(desk: Desk, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Invalid) desk.tell(error.message);
    else desk.fail(error);
  }
}
