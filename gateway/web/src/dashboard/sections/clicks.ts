// The clicks as they are recorded, one by one.

import type { Click } from "../api/queries.ts";
import { ClicksPanel } from "../lists/clicks.ts";
import type { Asked } from "../view/asked.ts";
import type { Desk, Section } from "../view/section.ts";

export default class Clicks implements Section {
  readonly element: HTMLElement;
  private readonly panel: ClicksPanel;

  constructor({ choose, fail }: Desk) {
    this.panel = new ClicksPanel(choose, fail);
    this.element = this.panel.element;
  }

  load(asked: Asked, isNew: boolean): Promise<void> {
    return this.panel.load(asked, isNew);
  }

  turn(asked: Asked): Promise<void> {
    return this.panel.load(asked, true);
  }

  add(clicks: Click[]): void {
    this.panel.add(clicks);
  }
}
