// Shows a link as it is published: its URL with a button to copy it, and its QR code.

import { copyButton } from "../parts/copy.ts";
import { save } from "../parts/csv.ts";
import { el } from "../parts/dom.ts";
import { Dialog } from "./dialog.ts";
import { qrFile, qrPicture } from "./qr.ts";

export interface PublishedLink {
  code: string;
  url: string | null;
}

/** Open the dialog. `news` is said above the URL. */
export function showLink({ code, url }: PublishedLink, news?: string): void {
  new LinkDialog(code, url, news).open();
}

class LinkDialog extends Dialog {
  constructor(code: string, url: string | null, news: string | undefined) {
    super({ title: el("bdi", {}, code) });
    if (news) this.content.append(el("p", {}, news));
    if (url === null) {
      const site = el("code", {}, `?aff=${code}`);
      const how = ["Any page of the program’s site with ", site, " is this link. Give the link a destination, or the program a domain, for a URL and a QR code."];
      this.content.append(el("p", {}, ...how));
      return;
    }
    const address = el("span", { class: "url", dir: "ltr" }, url);
    this.content.append(el("p", { class: "published" }, address, copyButton(url, `the URL of ${code}`)), qrPicture(url, code));
    const keep = () => save(`${code}.svg`, qrFile(url));
    this.buttons.append(el("button", { type: "button", class: "primary", onclick: keep }, "Download the QR code"));
  }
}
