// The links to share.

import { LinksPanel } from "../lists/links.ts";
import type { Asked } from "../view/asked.ts";
import type { Desk, Section } from "../view/section.ts";

export default class Links implements Section {
  readonly element: HTMLElement;
  private readonly panel: LinksPanel;

  constructor(desk: Desk) {
    this.panel = new LinksPanel(desk);
    this.element = this.panel.element;
  }

  load(asked: Asked, isNew: boolean): Promise<void> {
    return this.panel.load(asked, isNew);
  }

  turn(asked: Asked): Promise<void> {
    return this.panel.load(asked, true);
  }
}
