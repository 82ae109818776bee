// The field that a list is searched with, while the user is typing.

import { el, freshId } from "../parts/dom.ts";

/** The pause after which a text that is being typed is searched for. */
const TYPING_MS = 300;

export class SearchField {
  readonly element: HTMLElement;
  private typing: number | undefined;
  private readonly field: HTMLInputElement;

  /** `hint` says what is searched. */
  constructor(
    hint: string,
    private readonly onSearch: (text: string) => void,
  ) {
    const id = freshId();
    const search = () => this.search();
    const soon = () => {
      clearTimeout(this.typing);
      this.typing = window.setTimeout(search, TYPING_MS);
    };
    this.field = el("input", { id, type: "search", placeholder: hint, autocomplete: "off", maxlength: 100, dir: "auto", oninput: soon, onchange: search });
    this.element = el("div", { class: "choice-field search" }, el("label", { for: id }, "Search"), this.field);
  }

  show(text: string): void {
    // What is being typed is newer than what was found.
    if (this.typing === undefined) this.field.value = text;
  }

  private search(): void {
    if (this.typing === undefined) return;
    clearTimeout(this.typing);
    this.typing = undefined;
    this.onSearch(this.field.value.trim());
  }
}
