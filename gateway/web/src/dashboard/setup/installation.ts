// "Is it installed?": where the tracker was seen, and a check of a page. The gateway looks at the page's HTML and headers,
// this page asks whether the browser blocks the tracker's addresses, and a visit of the page shows whether a click comes.

import { ROOT } from "../../endpoint.ts";
import { ask } from "../api/api.ts";
import {
  ARRIVAL,
  START_CHECK,
  type Arrival,
  type ArrivalData,
  type Check,
  type Setup,
  type StartCheckData,
  type TrackerSite,
} from "../api/setup-queries.ts";
import { name } from "../lists/list-cells.ts";
import { el, freshId, withRoles } from "../parts/dom.ts";
import { dateTime } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import { scriptUrl } from "./setup-tag.ts";
import { verdictOf, type Evidence } from "./verdicts.ts";

const POLL_MS = 1500;
/** After so long without a click, the visit has failed. */
const PATIENCE_MS = 60_000;
/** A page may be slow, or its visitor may have to give consent first; after so long, nobody waits any more. */
const GIVE_UP_MS = 10 * 60_000;

export class InstallationPanel {
  readonly element: HTMLElement;
  private setup: Setup | null = null;
  private zone = "UTC";
  private readonly url = el("input", { type: "url", id: freshId(), required: true, inputmode: "url", autocomplete: "off", spellcheck: "false", dir: "ltr" });
  private readonly wrong = el("p", { class: "problem", id: freshId(), hidden: true });
  private readonly button = el("button", { class: "primary" }, "Check");
  private readonly result = el("div", { class: "verdict", role: "status", hidden: true });
  private readonly visit = el("a", { class: "button primary", target: "_blank", rel: "noopener", onclick: () => this.wait() }, "Open the page");
  private readonly body = el("tbody");
  private readonly table: HTMLTableElement;
  private readonly none = el("p", { class: "empty" }, "No page has loaded the tracker yet.");
  private evidence: Evidence | null = null;
  /** Counts the checks, so that only the latest one is shown. */
  private turn = 0;

  constructor(private readonly fail: (error: unknown) => void) {
    const names = ["Host", "Script last loaded", "Last click"];
    const head = el("thead", {}, el("tr", {}, ...names.map((each) => el("th", { scope: "col" }, each))));
    this.table = el("table", { class: "stacked listed sites" }, head, this.body);
    const label = el("label", { for: this.url.id }, "A page of your site");
    this.url.setAttribute("aria-describedby", this.wrong.id);
    const submit = (event: Event) => {
      event.preventDefault();
      void this.check();
    };
    const form = el("form", { class: "check", onsubmit: submit, novalidate: true }, label, el("div", {}, this.url, this.button), this.wrong);
    this.element = panel("Is it installed?", {}, form, this.result, this.table, this.none);
  }

  focus(): void {
    this.element.scrollIntoView({ block: "start" });
    this.url.focus();
  }

  show(setup: Setup, zone: string, isOther: boolean): void {
    this.setup = setup;
    this.zone = zone;
    if (isOther) {
      this.turn += 1;
      this.result.hidden = true;
      this.url.value = setup.program.domain ? `${schemeOf(setup.program.domain)}://${setup.program.domain}/` : "";
    }
    this.body.replaceChildren(...setup.sites.map((site) => row(site, zone)));
    withRoles(this.table).hidden = !setup.sites.length;
    this.none.hidden = !!setup.sites.length;
  }

  private async check(): Promise<void> {
    if (!this.setup) return;
    const [mine, { program, scriptPath, clickPath }] = [++this.turn, this.setup];
    this.blame(null);
    this.button.disabled = true;
    this.result.hidden = false;
    this.result.className = "verdict";
    this.result.replaceChildren(el("strong", {}, "Looking at the page…"));
    try {
      const input = { programId: program.id, url: this.url.value.trim(), origin: location.origin };
      const [{ startInstallationCheck: started }, blocked] = await Promise.all([
        ask<StartCheckData>(START_CHECK, { input }),
        blockedOf(scriptUrl(scriptPath), new URL(clickPath.slice(1), ROOT).href),
      ]);
      if (mine !== this.turn) return;
      if (started.userErrors.length) this.blame(started.userErrors.map(({ message }) => message).join(". "));
      else this.tell({ check: started as Check, blocked, program, arrival: null, visit: "none" });
    } catch (error) {
      this.result.hidden = true;
      this.fail(error);
    } finally {
      this.button.disabled = false;
    }
  }

  private blame(problem: string | null): void {
    this.wrong.hidden = !problem;
    this.wrong.textContent = problem?.replace(/^url /, "This ") ?? "";
    this.url.setAttribute("aria-invalid", String(!!problem));
    if (!problem) return;
    this.result.hidden = true;
    this.url.focus();
  }

  private tell(evidence: Evidence): void {
    this.evidence = evidence;
    const { tone, title, advice, code } = verdictOf(evidence, (moment) => dateTime(moment, this.zone));
    this.result.className = `verdict ${tone}`;
    this.visit.href = evidence.check.url;
    this.visit.textContent = evidence.visit === "none" ? "Open the page" : "Open it again";
    const isOver = evidence.arrival !== null;
    this.result.replaceChildren(
      el("strong", {}, title),
      ...advice.map((line) => el("p", {}, line)),
      ...(code ? [el("pre", { tabindex: "0", role: "region", "aria-label": "What to add" }, el("code", { dir: "ltr" }, code))] : []),
      ...(isOver ? [] : [el("p", {}, this.visit)]),
    );
  }

  /** Wait for the click of a visit that has just begun. */
  private wait(): void {
    if (!this.evidence) return;
    const [mine, begun] = [++this.turn, Date.now()];
    this.tell({ ...this.evidence, visit: "waiting" });
    const look = async () => {
      if (mine !== this.turn || !this.evidence || Date.now() > begun + GIVE_UP_MS) return;
      // In another section, and after signing out, nothing is asked.
      if (!this.element.isConnected) return void setTimeout(look, POLL_MS);
      try {
        const { installationCheck } = await ask<ArrivalData>(ARRIVAL, { code: this.evidence.check.code });
        if (mine !== this.turn) return;
        if (installationCheck) return this.arrived(installationCheck);
      } catch (error) {
        this.fail(error);
      }
      const isOverdue = Date.now() > begun + PATIENCE_MS;
      // Said once, so that whoever reads it is not interrupted.
      if (isOverdue && this.evidence.visit !== "over") this.tell({ ...this.evidence, visit: "over" });
      setTimeout(look, POLL_MS);
    };
    setTimeout(look, POLL_MS);
  }

  private arrived(arrival: Arrival): void {
    if (this.evidence) this.tell({ ...this.evidence, arrival });
  }
}

/** Sites are on https, but for those on the developer's own machine. */
function schemeOf(domain: string): string {
  return /^(localhost|127\.|\[)|:\d+$/.test(domain) ? "http" : "https";
}

/** Return the path that this browser refuses to ask, though the gateway answers this page's other questions. */
async function blockedOf(script: string, click: string): Promise<string | null> {
  for (const [url, options] of [
    [script, { cache: "no-store" }],
    // It names no link, so nothing is recorded.
    [click, { method: "POST", body: "{}" }],
  ] as const) {
    try {
      await fetch(url, options);
    } catch {
      return new URL(url).pathname;
    }
  }
  return null;
}

function row({ host, scriptSeenAt, clickSeenAt }: TrackerSite, zone: string): HTMLElement {
  const moment = (at: string | null, none: string) => (at ? dateTime(at, zone) : none);
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, el("span", { class: "cut", title: host }, host)),
    name("Script last loaded", moment(scriptSeenAt, "Not seen")),
    name("Last click", moment(clickSeenAt, "None lately")),
  );
}
