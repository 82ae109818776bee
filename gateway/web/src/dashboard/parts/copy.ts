// A button that copies a URL to the clipboard.

import { el, unseen } from "./dom.ts";

const TOLD_MS = 2000;

export function copyButton(text: string, what: string): HTMLButtonElement {
  const label = el("span", { "aria-live": "polite" }, "Copy");
  const button = el("button", { type: "button", class: "quiet copy", "data-focus": `copy ${text}` }, label, unseen(` ${what}`));
  button.addEventListener("click", async () => {
    label.textContent = (await put(text, button)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (label.textContent = "Copy"), TOLD_MS);
  });
  return button;
}

async function put(text: string, button: HTMLElement): Promise<boolean> {
  try {
    // Browsers offer no clipboard to a page that was loaded over plain HTTP, except from localhost.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el("textarea", { class: "unseen", readonly: true }, text);
    // While a dialog is open, nothing else on the page takes the focus.
    (button.closest("dialog") ?? document.body).append(field);
    field.select();
    setTimeout(() => field.remove(), TOLD_MS);
    return false;
  }
}
