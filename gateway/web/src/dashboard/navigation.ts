// The navigation between sections. Its links are real addresses, to be copied and opened elsewhere, too.

import { el } from "./dom.ts";
import type { SectionKind } from "./sections.ts";
import type { SectionKey } from "./view.ts";

export class Navigation {
  readonly element: HTMLElement;
  private readonly links: readonly [SectionKey, HTMLAnchorElement][];

  constructor(sections: readonly SectionKind[], go: (section: SectionKey) => void) {
    this.links = sections.map(({ key, title }) => {
      const press = (event: Event) => {
        if (!isPlain(event as MouseEvent)) return;
        event.preventDefault();
        go(key);
      };
      return [key, el("a", { onclick: press }, title)];
    });
    const items = this.links.map(([, link]) => el("li", {}, link));
    this.element = el("nav", { class: "sections", "aria-label": "Sections" }, el("ul", {}, ...items));
  }

  /** Mark the section that is shown, and let the links lead to the others with the same filters. */
  show(current: SectionKey, addressOf: (section: SectionKey) => string): void {
    for (const [key, link] of this.links) {
      link.href = addressOf(key);
      if (key !== current) link.removeAttribute("aria-current");
      else if (!link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "page");
        // On a phone, not all links are in sight.
        requestAnimationFrame(() => this.reveal(link));
      }
    }
  }

  private reveal(link: HTMLElement): void {
    const list = this.element.firstElementChild!;
    list.scrollLeft = link.offsetLeft - (list.clientWidth - link.offsetWidth) / 2;
  }
}

/** Return whether a click is to follow the link here, rather than in another tab or window. */
export function isPlain(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}
