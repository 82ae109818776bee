// Invites a partner: makes a link that signs one browser in once, and shows it to be copied and sent.

import { ROOT } from "../../endpoint.ts";
import { ask, present } from "../api/api.ts";
import type { Named } from "../api/queries.ts";
import { copyButton } from "../parts/copy.ts";
import { el } from "../parts/dom.ts";
import { dateTime } from "../parts/format.ts";
import { Dialog } from "./dialog.ts";

const INVITE = `
mutation Invite($partner: ID!) {
  createSignInLink(input: {partnerId: $partner}) { url expiresAt userErrors { message } }
}`;

interface Made {
  url: string | null;
  expiresAt: string | null;
  userErrors: { message: string }[];
}

/** Make a link for a partner, and show it. Throws as `ask` does. */
export async function invite(partner: Named, zone: string): Promise<void> {
  const data = await ask<{ createSignInLink: Made | null }>(INVITE, { partner: partner.id });
  new InvitationDialog(partner.name, present(data.createSignInLink), zone).open();
}

class InvitationDialog extends Dialog {
  constructor(name: string, { url, expiresAt, userErrors }: Made, zone: string) {
    super({ title: el("bdi", {}, `Invite ${name}`) });
    if (url === null || expiresAt === null) {
      this.content.append(...userErrors.map(({ message }) => el("p", { class: "problem", role: "alert" }, message)));
      return;
    }
    const own = addressOf(url);
    const until = `It can be used until ${dateTime(expiresAt, zone)}. It is not shown again, but you can make another one.`;
    this.content.append(
      el("p", {}, "Send this link to the partner. It signs in whoever opens it first, and works once."),
      el("p", { class: "published" }, el("span", { class: "url", dir: "ltr" }, own), copyButton(own, "the sign-in link")),
      el("p", { class: "hint" }, until),
    );
  }
}

/** Return the link as this browser reaches the gateway, which its settings may not say. */
function addressOf(url: string): string {
  return new URL(`dashboard${url.slice(url.indexOf("#"))}`, ROOT).href;
}
