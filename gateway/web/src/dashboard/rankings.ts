// Rankings of links, partners, pages, countries and so on, those with the most clicks first.

import { download } from "./csv.ts";
import { el } from "./dom.ts";
import { country, device, number, place, rate } from "./format.ts";
import { amounts, perEach } from "./money.ts";
import { panel } from "./panel.ts";
import { RANKINGS, type Money, type Ranking, type Report, type Share } from "./queries.ts";

/** The rankings whose entries filter the view when clicked. */
export type Choice = "link" | "partner" | "program";

interface Kind {
  title: string;
  column: string;
  unknown: string;
  words?: (value: string) => string;
  choice?: Choice;
}

const KINDS: Record<Ranking, Kind> = {
  links: { title: "Links", column: "Link", unknown: "Hidden", choice: "link" },
  partners: { title: "Partners", column: "Partner", unknown: "Hidden", choice: "partner" },
  programs: { title: "Programs", column: "Program", unknown: "Hidden", choice: "program" },
  pages: { title: "Pages", column: "Page", unknown: "Unknown", words: place },
  referrers: { title: "Referrers", column: "Referrer", unknown: "Direct or unknown", words: place },
  countries: { title: "Countries", column: "Country", unknown: "Unknown", words: country },
  devices: { title: "Devices", column: "Device", unknown: "Unknown", words: device },
  browsers: { title: "Browsers", column: "Browser", unknown: "Unknown" },
  systems: { title: "Operating systems", column: "System", unknown: "Unknown" },
};

/** What was clicked, and who clicked it. */
const GROUPS: readonly (readonly Ranking[])[] = [RANKINGS.slice(0, 5), RANKINGS.slice(5)];

/** The columns after the name. Narrow screens leave out the wide ones. */
const COLUMNS: readonly [string, string][] = [
  ["Clicks", "number"],
  ["Leads", "number wide"],
  ["Sales", "number"],
  ["Revenue", "number"],
  ["Commission", "number wide"],
];

type Choose = (choice: Choice, id: string | null) => void;
type Chosen = Record<Choice, string | null>;

export class RankingsPanel {
  readonly element: HTMLElement;
  private readonly grids = GROUPS.map((group) => [el("div", { class: "rankings" }), group] as const);
  private shown: Report | null = null;
  private name = "";

  constructor(private readonly choose: Choose) {
    const button = el("button", { type: "button", class: "quiet save", onclick: () => this.save() }, "CSV of all rankings");
    const grids = this.grids.map(([grid]) => grid);
    const aside = el("p", { class: "aside" }, button);
    this.element = el("section", { class: "groups", hidden: true, "aria-label": "Rankings" }, ...grids, aside);
  }

  show(report: Report, chosen: Chosen, name: string): void {
    [this.shown, this.name] = [report, name];
    const focused = (document.activeElement as HTMLElement | null)?.dataset["choice"];
    for (const [grid, rankings] of this.grids) {
      const asked = rankings.filter((ranking) => report[ranking]);
      grid.replaceChildren(...asked.map((each) => this.ranking(each, report[each]!, report.clicks, chosen)));
    }
    this.element.hidden = report.clicks === 0 && report.sales === 0 && report.leads === 0;
    if (focused) this.element.querySelector<HTMLElement>(`[data-choice="${CSS.escape(focused)}"]`)?.focus();
  }

  private ranking(ranking: Ranking, shares: Share[], total: number, chosen: Chosen): HTMLElement {
    const kind = KINDS[ranking];
    const most = Math.max(1, ...shares.map((share) => share.clicks));
    const lines = shares.map((share) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, this.nameOf(kind, share, chosen), bar(share, most)),
        el("td", { class: "number", title: ofWhich(share, total) }, number(share.clicks)),
        el("td", { class: "number wide" }, number(share.leads)),
        el("td", { class: "number" }, number(share.sales)),
        money(share.revenue, "number", earned(share)),
        money(share.earnings, "number wide", earned(share)),
      ),
    );
    const names = COLUMNS.map(([name, classes]) => el("th", { scope: "col", class: classes }, name));
    const head = el("tr", {}, el("th", { scope: "col" }, el("span", { class: "unseen" }, kind.column)), ...names);
    const table = el("table", {}, el("thead", {}, head), el("tbody", {}, ...lines));
    const made = panel(kind.title, {}, shares.length ? table : el("p", { class: "empty" }, "None yet"));
    made.dataset["ranking"] = ranking;
    return made;
  }

  private nameOf(kind: Kind, share: Share, chosen: Chosen): HTMLElement {
    const { choice } = kind;
    const id = share.referralLink?.id ?? share.partner?.id ?? share.program?.id;
    if (!choice || !id) return el("span", { title: share.value ?? false }, words(kind, share.value));
    const isChosen = chosen[choice] === id;
    const attributes = {
      type: "button",
      class: "choice",
      "data-choice": id,
      "aria-pressed": String(isChosen),
      title: isChosen ? "Remove filter" : "Show only this",
      onclick: () => this.choose(choice, isChosen ? null : id),
    };
    return el("button", attributes, words(kind, share.value));
  }

  private save(): void {
    if (this.shown) download(`rankings-${this.name}.csv`, rows(this.shown));
  }
}

function bar(share: Share, most: number): HTMLElement {
  const made = el("span", { class: "bar", "aria-hidden": "true" });
  made.style.setProperty("--people-part", String(share.people / most));
  made.style.setProperty("--bots-part", String(share.bots / most));
  return made;
}

function words(kind: Kind, value: string | null): string {
  return value === null ? kind.unknown : (kind.words?.(value) ?? value);
}

function ofWhich(share: Share, total: number): string {
  const part = total ? `${Math.round((share.clicks / total) * 100)}% of all clicks: ` : "";
  return `${part}${number(share.people)} by people, ${number(share.bots)} by bots`;
}

function money(shown: readonly Money[], classes: string, title: string): HTMLElement {
  const lines = shown.length ? amounts(shown) : ["–"];
  return el("td", { class: classes, title }, ...lines.map((line) => el("div", {}, line)));
}

function earned(share: Share): string {
  const commission = amounts(share.earnings).join(", ") || "no";
  const perClick = perEach(share.earnings, share.people).join(", ");
  const sold = share.conversionRate === null ? "" : `, ${rate(share.conversionRate)} of clicks by people led to a sale`;
  return `${number(share.leads)} leads${sold}, ${commission} commission${perClick && ` (${perClick} per click)`}`;
}

function rows(report: Report): (string | number | null)[][] {
  const lines = RANKINGS.flatMap((ranking) =>
    (report[ranking] ?? []).map((each) => [
      ...[KINDS[ranking].column, each.value, each.clicks, each.people, each.bots, each.leads, each.sales],
      ...[amounts(each.revenue).join("; "), amounts(each.earnings).join("; "), each.conversionRate],
    ]),
  );
  const counts = ["clicks", "people", "bots", "leads", "sales", "revenue", "commission", "conversion_rate"];
  return [["kind", "value", ...counts], ...lines];
}
