// What brought the clicks, and to whom: links, pages, countries and so on, the most clicked first.

import { download } from "./csv.ts";
import { el } from "./dom.ts";
import { capitalised, country, number, place } from "./format.ts";
import { panel } from "./panel.ts";
import { RANKINGS, type Ranking, type Report, type Share } from "./queries.ts";

/** What a view can be confined to by choosing it here. */
export type Choice = "link" | "partner" | "program";

interface Kind {
  title: string;
  column: string;
  unknown: string;
  words?: (value: string) => string;
  choice?: Choice;
}

const KINDS: Record<Ranking, Kind> = {
  links: { title: "Links", column: "Link", unknown: "Out of sight", choice: "link" },
  partners: { title: "Partners", column: "Partner", unknown: "Out of sight", choice: "partner" },
  programs: { title: "Programs", column: "Program", unknown: "Out of sight", choice: "program" },
  pages: { title: "Pages", column: "Page", unknown: "Not told", words: place },
  referrers: { title: "Referrers", column: "Referrer", unknown: "Direct, or not told", words: place },
  countries: { title: "Countries", column: "Country", unknown: "Not known", words: country },
  devices: { title: "Devices", column: "Device", unknown: "Not known", words: capitalised },
  browsers: { title: "Browsers", column: "Browser", unknown: "Not known" },
  systems: { title: "Systems", column: "System", unknown: "Not known" },
};

/** What was clicked, and who did. */
const GROUPS: readonly (readonly Ranking[])[] = [RANKINGS.slice(0, 5), RANKINGS.slice(5)];

export interface RankingsPanel {
  element: HTMLElement;
  show(report: Report, chosen: Record<Choice, string | null>, name: string): void;
}

export function rankingsPanel(choose: (choice: Choice, id: string | null) => void): RankingsPanel {
  const grids = GROUPS.map((group) => [el("div", { class: "rankings" }), group] as const);
  let shown: Report | null = null;
  let fileName = "";
  const save = () => shown && download(`rankings-${fileName}.csv`, rows(shown));
  const button = el("button", { type: "button", class: "quiet save", onclick: save }, "CSV of these rankings");
  const aside = el("p", { class: "aside" }, button);
  const element = el("section", { class: "groups", "aria-label": "Rankings" }, ...grids.map(([grid]) => grid), aside);
  return {
    element,
    show(report, chosen, name) {
      shown = report;
      fileName = name;
      const focused = (document.activeElement as HTMLElement | null)?.dataset["choice"];
      for (const [grid, rankings] of grids) {
        const asked = rankings.filter((ranking) => report[ranking]);
        grid.dataset["count"] = String(asked.length);
        grid.replaceChildren(
          ...asked.map((each) => rankingOf(each, report[each]!, report.clicks, (choice) => chosen[choice], choose)),
        );
      }
      if (focused) element.querySelector<HTMLElement>(`[data-choice="${CSS.escape(focused)}"]`)?.focus();
    },
  };
}

function rankingOf(
  ranking: Ranking,
  shares: Share[],
  total: number,
  chosenFor: (choice: Choice) => string | null,
  choose: (choice: Choice, id: string | null) => void,
): HTMLElement {
  const kind = KINDS[ranking];
  const most = Math.max(1, ...shares.map((share) => share.clicks));
  const lines = shares.map((share) => {
    const name = words(kind, share.value);
    const id = share.referralLink?.id ?? share.partner?.id ?? share.program?.id;
    const isChosen = kind.choice !== undefined && id !== undefined && chosenFor(kind.choice) === id;
    const shownName =
      kind.choice && id
        ? el(
            "button",
            {
              type: "button",
              class: "choice",
              "data-choice": id,
              "aria-pressed": String(isChosen),
              title: isChosen ? "Show all again" : "Show only this",
              onclick: () => choose(kind.choice!, isChosen ? null : id),
            },
            name,
          )
        : el("span", { title: share.value ?? false }, name);
    const bar = el("span", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--people-part", String(share.people / most));
    bar.style.setProperty("--bots-part", String(share.bots / most));
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, shownName, bar),
      el("td", { class: "number", title: ofWhich(share, total) }, number(share.clicks)),
    );
  });
  const head = el("tr", {}, el("th", { scope: "col" }, kind.column), el("th", { scope: "col", class: "number" }, "Clicks"));
  const table = el("table", {}, el("thead", { class: "unseen" }, head), el("tbody", {}, ...lines));
  const content = shares.length ? table : el("p", { class: "empty" }, "Nothing yet");
  const { element } = panel(kind.title, {}, content);
  element.dataset["ranking"] = ranking;
  return element;
}

function words(kind: Kind, value: string | null): string {
  return value === null ? kind.unknown : (kind.words?.(value) ?? value);
}

function ofWhich(share: Share, total: number): string {
  const part = total ? `${Math.round((share.clicks / total) * 100)}% of all; ` : "";
  return `${part}${number(share.people)} by people, ${number(share.bots)} by bots`;
}

function rows(report: Report): (string | number | null)[][] {
  const lines = RANKINGS.flatMap((ranking) =>
    (report[ranking] ?? []).map((each) => [KINDS[ranking].column, each.value, each.clicks, each.people, each.bots]),
  );
  return [["kind", "value", "clicks", "people", "bots"], ...lines];
}
