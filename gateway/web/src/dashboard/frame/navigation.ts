// The navigation between sections. Its links are real addresses, to be copied and opened elsewhere, too.

import { el } from "../parts/dom.ts";
import { leading } from "../parts/leading.ts";
import type { SectionKey } from "../view/view.ts";
import type { SectionKind } from "./sections.ts";

export class Navigation {
  readonly element: HTMLElement;
  private readonly links: readonly [SectionKey, HTMLAnchorElement][];

  constructor(sections: readonly SectionKind[], go: (section: SectionKey) => void) {
    this.links = sections.map(({ key, title }) => [key, leading(el("a", {}, title), () => go(key))]);
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
