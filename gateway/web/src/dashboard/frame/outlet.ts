// The place where the board shows a section: its heading, and its panels below the controls.

import { el, freshId } from "../parts/dom.ts";
import type { Section } from "../view/section.ts";
import type { SectionKey } from "../view/view.ts";
import type { SectionKind } from "./sections.ts";

export class Outlet {
  readonly element: HTMLElement;
  /** Leads past the navigation. */
  readonly skip: HTMLElement;
  private readonly heading = el("h1", { tabindex: "-1", id: freshId() });
  private readonly lead = el("div", { class: "lead", hidden: true });
  private readonly content = el("div", { class: "section" });
  /** Sections that were opened before show at once what they showed then. */
  private readonly known = new Map<SectionKey, Section>();
  private shown: SectionKey | null = null;

  constructor(
    private readonly opened: (kind: SectionKind) => Promise<Section>,
    controls: HTMLElement,
    trouble: HTMLElement,
  ) {
    this.element = el("main", {}, this.heading, this.lead, controls, trouble, this.content);
    const press = (event: Event) => {
      // The fragment of an address would be a new entry of the history.
      event.preventDefault();
      this.focus();
    };
    this.skip = el("a", { class: "skip", href: `#${this.heading.id}`, onclick: press }, "Skip to content");
  }

  get section(): Section | null {
    return (this.shown && this.known.get(this.shown)) ?? null;
  }

  /** Name a section, whose code may have to be loaded. */
  announce({ key, title }: SectionKind): void {
    document.title = `${title} – clickgate`;
    this.heading.textContent = title;
    const known = this.known.get(key);
    if (known) this.show(key, known);
    else if (this.shown !== key) this.wait();
  }

  /** Open a section, and show it unless the user has moved on. */
  async open(kind: SectionKind, signal: AbortSignal): Promise<Section> {
    const section = this.known.get(kind.key) ?? (await this.opened(kind));
    this.known.set(kind.key, section);
    if (!signal.aborted) this.show(kind.key, section);
    return section;
  }

  focus(): void {
    this.heading.focus();
  }

  private show(key: SectionKey, { element, lead }: Section): void {
    if (this.shown === key) return;
    this.shown = key;
    this.content.dataset["section"] = key;
    this.content.replaceChildren(element);
    this.lead.replaceChildren(...(lead ? [lead] : []));
    this.lead.hidden = !lead;
  }

  private wait(): void {
    this.shown = null;
    this.lead.hidden = true;
    const parts = [el("span"), el("span"), el("span")];
    this.content.replaceChildren(el("div", { class: "skeleton", "aria-hidden": "true" }, ...parts));
  }
}
