// The links to share.

import type { Asked } from "../asked.ts";
import { LinksPanel } from "../links.ts";
import type { Desk, Section } from "../section.ts";

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
