// Suspends a partner in a program, and takes it back: pauses its links or resumes them, and revokes its tokens.

import { ask, present } from "../api.ts";
import { el } from "../dom.ts";
import { number } from "../format.ts";
import type { Member } from "../member-queries.ts";
import type { Desk } from "../section.ts";
import { Invalid, changes } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { checkField } from "./form-fields.ts";

type Status = "ACTIVE" | "INACTIVE";
type Ids = { nodes: { id: string }[] } | null;
type Tokens = { nodes: { id: string; program: { id: string } | null }[] } | null;

const LINKS = `
query LinksOf($filter: ReferralLinkFilter!, $first: Int!) { list: referralLinks(first: $first, filter: $filter) { nodes { id } } }`;
const TOKENS = `
query TokensOf($filter: ApiTokenFilter!, $first: Int!) { list: apiTokens(first: $first, filter: $filter) { nodes { id program { id } } } }`;

const ELSEWHERE = "Some of them are for the partner’s other programs, too.";
const COME_BACK = "To come back, the partner needs a new invitation.";

/** Ask whether to suspend a partner, and say what that does. */
export async function suspend(desk: Desk, { partner, program, active }: Member): Promise<void> {
  const ofPartner = { partnerId: partner.id, isUsable: true };
  const tokens = present((await ask<{ list: Tokens }>(TOKENS, { filter: ofPartner, first: 100 })).list).nodes;
  const isWider = tokens.some((token) => token.program?.id !== program.id);
  const words = `Sign the partner out, and revoke ${counted(tokens.length, "token")}`;
  const access = checkField("tokens", words, { hint: isWider ? `${ELSEWHERE} ${COME_BACK}` : COME_BACK });
  access.element.hidden = !tokens.length;
  new FormDialog({
    title: el("span", {}, "Suspend ", el("bdi", {}, partner.name)),
    fields: [access],
    content: [...consequences(active.totalCount), access.element],
    submit: "Suspend",
    isGrave: true,
    send: async () => {
      const paused = await turnAll(partner.id, program.id, "INACTIVE");
      if (access.isChecked) await changeAll("revokeToken", tokens.map(({ id }) => ({ id })));
      return paused;
    },
    done: (paused) => told(desk, `${partner.name} is suspended: ${counted(paused.length, "link")} paused.`, paused, "ACTIVE"),
    fail: desk.fail,
  }).open();
}

/** Ask whether to take a partner back, and say what that does. */
export function takeBack(desk: Desk, { partner, program, paused }: Member): void {
  const links = counted(paused.totalCount, "paused link");
  new FormDialog({
    title: el("span", {}, "Take ", el("bdi", {}, partner.name), " back"),
    fields: [],
    content: [el("p", {}, `Clicks through ${links} are recorded again, and sales that follow them earn commissions.`)],
    submit: "Take back",
    send: () => turnAll(partner.id, program.id, "ACTIVE"),
    done: (resumed) => told(desk, `${partner.name} is back: ${counted(resumed.length, "link")} active.`, resumed, "INACTIVE"),
    fail: desk.fail,
  }).open();
}

function consequences(count: number): HTMLElement[] {
  const one = "The partner’s only active link is paused: clicks through it are not recorded.";
  const all = `All ${number(count)} active links of the partner are paused: clicks through them are not recorded.`;
  return [
    el("p", {}, count === 1 ? one : all),
    el("p", {}, "Commissions stay as they are, and can still be approved, rejected and paid. Customers whom the partner brought still count for it."),
  ];
}

/** Give all links of a partner in a program a status, and return those that had another. */
async function turnAll(partnerId: string, programId: string, status: Status): Promise<string[]> {
  const filter = { partnerId, programId, status: status === "ACTIVE" ? "INACTIVE" : "ACTIVE" };
  const turned: string[] = [];
  for (;;) {
    const { nodes } = present((await ask<{ list: Ids }>(LINKS, { filter, first: 100 })).list);
    if (!nodes.length) return turned;
    await turnLinks(nodes.map(({ id }) => id), status);
    turned.push(...nodes.map(({ id }) => id));
  }
}

function turnLinks(ids: readonly string[], status: Status): Promise<void> {
  return changeAll("updateReferralLink", ids.map((id) => ({ id, status })));
}

async function changeAll(mutation: string, inputs: readonly Record<string, unknown>[]): Promise<void> {
  const outcomes = await changes(mutation, "__typename", inputs);
  for (const outcome of outcomes) if (outcome instanceof Invalid) throw outcome;
}

function told(desk: Desk, words: string, links: readonly string[], back: Status): void {
  const undo = () => {
    const done = () => {
      desk.refresh();
      desk.tell("That was undone.");
    };
    void turnLinks(links, back).then(done, desk.fail);
  };
  desk.refresh();
  desk.tell(words, undo);
}

function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? "" : "s"}`;
}
