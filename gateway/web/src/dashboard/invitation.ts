// Invites a partner: makes a link that signs one browser in once, and shows it to be copied and sent.

import { ROOT } from "../endpoint.ts";
import { ask, present } from "./api.ts";
import { copyButton } from "./copy.ts";
import { el, freshId, unseen } from "./dom.ts";
import { dateTime } from "./format.ts";
import type { Named } from "./queries.ts";

const INVITE = `
mutation Invite($partner: ID!) {
  createSignInLink(input: {partnerId: $partner}) { url expiresAt userErrors { message } }
}`;

interface InviteData {
  createSignInLink: { url: string | null; expiresAt: string | null; userErrors: { message: string }[] } | null;
}

/** Create the button that invites a partner. */
export function inviteButton(partner: Named, zone: string, onError: (error: unknown) => void): HTMLElement {
  const key = `invite ${partner.id}`;
  const button = el("button", { type: "button", class: "quiet invite", "data-focus": key }, "Invite", unseen(` ${partner.name}`));
  let isMaking = false;
  button.addEventListener("click", async () => {
    if (isMaking) return;
    isMaking = true;
    // What the dialog belongs to: it goes when the board does.
    const board = button.closest(".board")!;
    try {
      const made = present((await ask<InviteData>(INVITE, { partner: partner.id })).createSignInLink);
      if (!board.isConnected) return;
      const dialog = opened(partner.name, made, zone);
      board.append(dialog);
      dialog.showModal();
      // The list may be drawn anew while the dialog is open.
      dialog.addEventListener("close", () => board.querySelector<HTMLElement>(`[data-focus="${key}"]`)?.focus());
    } catch (error) {
      onError(error);
    } finally {
      isMaking = false;
    }
  });
  return button;
}

function opened(name: string, made: NonNullable<InviteData["createSignInLink"]>, zone: string): HTMLDialogElement {
  const [title, field] = [freshId(), freshId()];
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const content = made.url ? shown(field, addressOf(made.url), made.expiresAt!, zone) : problems(made.userErrors);
  const dialog = el(
    "dialog",
    { class: "invitation", "aria-labelledby": title, onclose: () => dialog.remove() },
    el("h2", { id: title, dir: "auto" }, `Invite ${name}`),
    ...content,
    close,
  );
  return dialog;
}

function shown(id: string, url: string, expiresAt: string, zone: string): HTMLElement[] {
  const field = el("input", { id, readonly: true, value: url, onfocus: () => field.select() });
  return [
    el("p", {}, "Send this link to the partner. It signs in whoever opens it first, and works once."),
    el("label", { for: id }, "Sign-in link"),
    el("div", { class: "line" }, field, copyButton(url, "the sign-in link")),
    el("p", { class: "hint" }, `It can be used until ${dateTime(expiresAt, zone)}. It is not shown again, but you can make another one.`),
  ];
}

function problems(errors: { message: string }[]): HTMLElement[] {
  return errors.map(({ message }) => el("p", { class: "problem", role: "alert" }, message));
}

/** Return the link as this browser reaches the gateway, which its settings may not say. */
function addressOf(url: string): string {
  return new URL(`dashboard${url.slice(url.indexOf("#"))}`, ROOT).href;
}
