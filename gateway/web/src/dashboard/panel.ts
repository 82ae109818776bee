// The frame that tables and charts share: a heading, a way to keep the figures, and the content.

import { el, freshId, unseen, type Child } from "./dom.ts";

/** Make a panel. `save` is called when somebody wants its content as a file. */
export function panel(title: string, { save, note }: { save?: () => void; note?: Child }, ...content: Child[]): HTMLElement {
  const id = freshId();
  const button =
    save && el("button", { type: "button", class: "quiet save", onclick: save }, "CSV", unseen(` of ${title.toLowerCase()}`));
  return el(
    "section",
    { class: "panel", "aria-labelledby": id },
    el("header", {}, el("h2", { id }, title), note, button),
    ...content,
  );
}
