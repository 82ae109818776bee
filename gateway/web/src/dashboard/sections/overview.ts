// The figures of the period, over time and by where they came from. For partners, their own standing comes first.

import { ChartPanel } from "../charts/chart.ts";
import { loadedCode } from "../parts/code.ts";
import { el } from "../parts/dom.ts";
import type { Asked } from "../view/asked.ts";
import type { Card } from "../view/cards.ts";
import type { Desk, Section } from "../view/section.ts";
import type { View } from "../view/view.ts";
import { ReportPanels } from "./report-panels.ts";
import type { Standing } from "./standing.ts";

/** The cards that are of use at a glance. Reports have all of them. */
const CARDS = ["partners", "programs", "links", "pages", "referrers", "campaigns", "countries", "devices"];

export default class Overview implements Section {
  readonly element: HTMLElement;
  readonly lead?: HTMLElement;
  private standing: Standing | null = null;
  private readonly report: ReportPanels;
  private readonly chart: ChartPanel;

  constructor(private readonly desk: Desk) {
    if (desk.isPartner) this.lead = el("div");
    this.chart = new ChartPanel((measure) => desk.choose({ measure }));
    this.report = new ReportPanels(desk, this.chart, ({ key }: Card) => CARDS.includes(key));
    const { totals, rankings, asOf } = this.report;
    this.element = el("div", { class: "panels" }, totals.element, this.chart.element, rankings.element, asOf);
  }

  async load(asked: Asked, isNew: boolean): Promise<void> {
    this.report.choosing(asked.view);
    await Promise.all([this.lead && this.stand(this.lead, asked), this.report.load(asked, isNew)]);
  }

  /** Show a partner's standing, whose code nobody else needs. */
  private async stand(lead: HTMLElement, asked: Asked): Promise<void> {
    const { Standing } = await loadedCode(() => import("./standing.ts"));
    if (!this.standing) {
      this.standing = new Standing(this.desk);
      lead.replaceChildren(this.standing.element);
    }
    await this.standing.load(asked);
  }

  async turn(asked: Asked, patch: Partial<View>): Promise<void> {
    this.report.choosing(asked.view);
    if ("measure" in patch) this.chart.choose(asked.view.measure);
    else await this.report.turn(asked, patch);
  }
}
