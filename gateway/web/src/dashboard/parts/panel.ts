// The frame around tables and charts: a heading, a button to download the figures, and the content.

import { el, freshId, unseen, type Child } from "./dom.ts";

interface Extras {
  save?: () => void;
  note?: Child;
  file?: Child;
  /** Buttons that change what is shown. */
  tools?: readonly Child[];
}

/** Create a panel. Its CSV button calls `save`, or is `file`, the button of a list's file. */
export function panel(title: string, { save, note, file, tools = [] }: Extras, ...content: Child[]): HTMLElement {
  const id = freshId();
  const button =
    save && el("button", { type: "button", class: "quiet save", onclick: save }, "CSV", unseen(` of ${title.toLowerCase()}`));
  return el(
    "section",
    { class: "panel", "aria-labelledby": id },
    el("header", {}, el("h2", { id }, title), note, file ?? button, ...tools),
    ...content,
  );
}
