// All rankings, and two dimensions against each other.

import { CrossPanel } from "../cross/cross.ts";
import { el } from "../parts/dom.ts";
import type { Asked } from "../view/asked.ts";
import type { Desk, Section } from "../view/section.ts";
import type { View } from "../view/view.ts";
import { ReportPanels } from "./report-panels.ts";

export default class Reports implements Section {
  readonly element: HTMLElement;
  private readonly report: ReportPanels;
  private readonly cross: CrossPanel;

  constructor(private readonly desk: Desk) {
    this.report = new ReportPanels(desk);
    this.cross = new CrossPanel(desk.choose, desk.confine, desk.fail);
    const { totals, rankings, asOf } = this.report;
    this.element = el("div", { class: "panels" }, totals.element, rankings.element, this.cross.element, asOf);
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.report.choosing(asked.view);
    if (isNew) this.cross.wait();
    await this.report.load(asked, isNew);
    // The cross table comes last: it takes the most questions, and is the least urgent.
    void this.cross.refresh(asked, isNew).catch(this.desk.fail);
  }

  async turn(asked: Asked, patch: Partial<View>): Promise<void> {
    this.report.choosing(asked.view);
    await ("by" in patch || "page" in patch ? this.report.turn(asked, patch) : this.cross.load(asked));
  }
}
