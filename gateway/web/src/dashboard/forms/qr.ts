// QR codes as SVG. The library is loaded with the first one.

import { generate } from "lean-qr";
import { toSvg, toSvgSource } from "lean-qr/extras/svg";
import { el } from "../parts/dom.ts";

// Scanners expect dark on light, whatever the colours of the page.
const LOOK = { on: "#000000", off: "#ffffff", pad: 4 };
/** Pixels for each square of the file. It has no other size, so programs may scale it. */
const SCALE = 8;

/** Create the picture of a URL's QR code. */
export function qrPicture(url: string, of: string): HTMLElement {
  const picture = toSvg(generate(url), document, LOOK);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `QR code of ${of}`);
  return el("div", { class: "qr" }, picture);
}

/** Return the QR code as a file. */
export function qrFile(url: string): Blob {
  const source = toSvgSource(generate(url), { ...LOOK, scale: SCALE, xmlDeclaration: true });
  return new Blob([source], { type: "image/svg+xml" });
}
