// What a partner comes for: the links to share, what today and this month brought, and what is earned of it.

import { ask, present } from "../api/api.ts";
import { STANDING, type Account, type Earned, type Money, type OwnLink, type StandingData } from "../api/queries.ts";
import { countChange, figure, moneyChange } from "../charts/figures.ts";
import { statusMarks } from "../lists/link-marks.ts";
import { qrButton } from "../lists/qr-button.ts";
import { copyButton } from "../parts/copy.ts";
import { el } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import { leading } from "../parts/leading.ts";
import { amounts } from "../parts/money.ts";
import { panel } from "../parts/panel.ts";
import type { Asked } from "../view/asked.ts";
import { periodBefore } from "../view/period.ts";
import type { Desk } from "../view/section.ts";
import { spanOf } from "../view/spans.ts";

/** The links that are shown here; the section of links has all. */
const FEW = 3;
const RANGES = ["today", "month"] as const;
const TITLES = { today: "Today", month: "This month" };
const NO_LINKS = "You have no links yet. Ask the program’s owner to create one.";

export class Standing {
  private readonly links = el("div", { class: "own-links" }, el("p", { class: "empty" }, "Loading…"));
  private readonly all = el("a", { hidden: true });
  private readonly today = el("dl", { class: "totals funnel" });
  private readonly month = el("dl", { class: "totals funnel" });
  private readonly accounts = el("div", { class: "accounts" });
  readonly element: HTMLElement;
  private drawn = "";

  constructor(private readonly desk: Desk) {
    leading(this.all, () => desk.go("links"));
    const parts = [
      panel("Your links", { note: this.all }, this.links),
      ...RANGES.map((range) => panel(TITLES[range], {}, this[range])),
      panel("Your commission", {}, this.accounts),
    ];
    this.element = el("div", { class: "standing" }, ...parts);
  }

  async load({ view, signal }: Asked): Promise<void> {
    const [today, month] = RANGES.map((range) => spanOf({ ...view, range }));
    const data = await ask<StandingData>(
      STANDING,
      {
        ...{ few: FEW, zone: view.zone, today: today!.from, month: month!.from, end: today!.to },
        ...{ yesterday: today!.before!.from, yesterdayEnd: today!.before!.to },
        ...{ lastMonth: month!.before!.from, lastMonthEnd: month!.before!.to },
      },
      signal,
    );
    if (signal.aborted) return;
    const { nodes, totalCount } = present(data.referralLinks);
    this.showLinks(nodes, totalCount);
    this.today.replaceChildren(...figures(present(data.today), present(data.todayBefore), periodBefore("today", today!)));
    this.month.replaceChildren(...figures(present(data.month), present(data.monthBefore), periodBefore("month", month!)));
    const accounts = present(data.partnerPrograms).nodes;
    this.accounts.replaceChildren(...accounts.map((each) => account(each, accounts.length > 1)));
  }

  private showLinks(links: OwnLink[], count: number): void {
    this.all.hidden = count <= links.length;
    this.all.textContent = `All ${number(count)} links`;
    this.all.href = this.desk.addressOf("links");
    // Somebody may be about to press a button, or has just pressed one, which says so.
    const drawn = JSON.stringify(links);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const shown = links.map((link) => ownLink(link, this.desk));
    this.links.replaceChildren(...(shown.length ? shown : [el("p", { class: "empty" }, NO_LINKS)]));
  }
}

function ownLink(link: OwnLink, desk: Desk): HTMLElement {
  const { code, url } = link;
  const address = el("span", { class: "url", dir: "ltr" }, url ?? `Any page of the program’s site with ?aff=${code}`);
  const copy = url ? copyButton(url, `the URL of ${code}`) : copyButton(`?aff=${code}`, `what makes a URL a link of ${code}`);
  return el("p", {}, address, ...statusMarks(link), qrButton(link, desk), copy);
}

function figures(now: Earned, before: Earned, period: ReturnType<typeof periodBefore>): HTMLElement[] {
  const count = (key: "people" | "leads" | "sales", label: string) =>
    figure(`own-${key}`, label, [number(now[key])], countChange(now[key], before[key], period, true));
  const commission = moneyChange(now.earnings, before.earnings, period);
  return [
    ...[count("people", "Clicks"), count("leads", "Leads"), count("sales", "Sales")],
    figure("own-earnings", "Commission", amounts(now.earnings), commission),
  ];
}

function sums(money: readonly Money[]): string[] {
  return money.length ? amounts(money) : ["None yet"];
}

function account({ program, pending, balance, paid }: Account, isNamed: boolean): HTMLElement {
  const name = isNamed && el("h3", { dir: "auto" }, program.name);
  const list = el(
    "dl",
    { class: "totals funnel" },
    figure("pending", "Pending", sums(pending), ["May still be refunded or reviewed"]),
    figure("balance", "Approved", sums(balance), ["To be paid next"]),
    figure("paid", "Paid", sums(paid), ["Since you joined"]),
  );
  return el("div", {}, name, list);
}
