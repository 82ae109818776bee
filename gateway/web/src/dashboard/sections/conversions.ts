// What followed the clicks: sales, refunds, leads and commissions.

import { ConversionsPanel } from "../lists/conversions.ts";
import type { Asked } from "../view/asked.ts";
import type { Desk, Section } from "../view/section.ts";

export default class Conversions implements Section {
  readonly element: HTMLElement;
  private readonly panel: ConversionsPanel;

  constructor(desk: Desk) {
    this.panel = new ConversionsPanel(desk);
    this.element = this.panel.element;
  }

  load(asked: Asked, isNew: boolean): Promise<void> {
    return this.panel.load(asked, isNew);
  }

  turn(asked: Asked): Promise<void> {
    return this.panel.load(asked, true);
  }
}
