// The button that shows a link's QR code, which partners have, too.

import type { Link, OwnLink } from "../api/queries.ts";
import { demanding } from "../parts/code.ts";
import { el, unseen } from "../parts/dom.ts";
import type { Desk } from "../view/section.ts";

/** Create the button of a link's QR code, or nothing if the link has no URL. */
export function qrButton({ id, code, url }: OwnLink, desk: Desk): HTMLElement | null {
  if (!url) return null;
  const attributes = { type: "button", class: "quiet save", "data-focus": `qr ${id}`, onclick: showing({ code, url }, desk) };
  return el("button", attributes, "QR code", unseen(` of ${code}`));
}

/** Return what shows a link by itself, as it is published. */
export function showing({ code, url }: Pick<Link, "code" | "url">, desk: Desk): () => void {
  return demanding(() => import("../forms/link-dialog.ts"), ({ showLink }) => showLink({ code, url }), desk.fail);
}
