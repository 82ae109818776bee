// The steps of a program's setup, which tick themselves, and what to do for those that are left.

import { ask } from "../api/api.ts";
import { TEST_CONVERSION, type Setup, type StepName, type TestConversion, type TestConversionData } from "../api/setup-queries.ts";
import { demanding } from "../parts/code.ts";
import { el, unseen, type Child } from "../parts/dom.ts";
import { leading } from "../parts/leading.ts";
import { panel } from "../parts/panel.ts";
import type { Desk } from "../view/section.ts";
import type { SectionKey } from "../view/view.ts";

const TITLES: Record<StepName, string> = {
  PROFILE: "Name and domain",
  COMMISSION_RULE: "A commission rule",
  PARTNER: "A partner",
  LINK: "A referral link",
  TRACKER: "The tracker on your pages",
  TEST_CONVERSION: "A test conversion",
};
const MISSING: Record<StepName, string> = {
  PROFILE: "Say which site the program is for.",
  COMMISSION_RULE: "Say what partners earn for a sale or a lead.",
  PARTNER: "Add the first partner, who can sign in here.",
  LINK: "Create a link for a partner to share.",
  TRACKER: "Put the tag below on every page of your site, and check it there.",
  TEST_CONVERSION: "Try click, sign-up, sale and refund. Nothing of it counts.",
};
const DONE: Partial<Record<StepName, string>> = {
  TRACKER: "Pages of your site load it, or send clicks.",
  TEST_CONVERSION: "Conversions are credited to partners.",
};
const PLACES: Partial<Record<StepName, [SectionKey, string]>> = {
  COMMISSION_RULE: ["rules", "Rules"],
  PARTNER: ["partners", "Partners"],
  LINK: ["links", "Links"],
};
const PARTS = ["click", "lead", "sale"] as const;

export class StepsPanel {
  readonly element: HTMLElement;
  private readonly list = el("ol", { class: "steps" });
  private readonly tally = el("p", { class: "tally" });
  private readonly result = el("p", { class: "result", role: "status" });
  private readonly test = el("button", { type: "button", onclick: () => void this.run() }, "Run a test conversion");
  private readonly edit = el("button", { type: "button", "data-focus": "edit program" }, "Edit", unseen(" name and domain"));
  private program = "";

  constructor(
    private readonly desk: Desk,
    private readonly goToCheck: () => void,
  ) {
    this.element = panel("Steps", { note: this.tally }, this.list);
  }

  show(setup: Setup): void {
    const { program, steps } = setup;
    this.edit.onclick = demanding(() => import("../forms/program-form.ts"), ({ editProgram }) => editProgram(this.desk, setup), this.desk.fail);
    if (program.id !== this.program) this.result.replaceChildren();
    this.program = program.id;
    const left = steps.filter(({ isDone }) => !isDone).length;
    this.tally.textContent = left ? `${steps.length - left} of ${steps.length} done` : "All done. Clicks and sales are credited.";
    const next = steps.find(({ isDone }) => !isDone)?.name;
    // Moving a button into a new item takes its focus.
    const focused = [this.test, this.edit].find((button) => button === document.activeElement);
    const items = steps.map(({ name, isDone }) => {
      const what = isDone && name === "PROFILE" ? `${program.name}, ${program.domain}` : isDone ? DONE[name] : MISSING[name];
      return el(
        "li",
        { class: isDone ? "done" : name === next && "next", "data-step": name },
        el("div", {}, el("strong", {}, TITLES[name]), unseen(isDone ? ", done" : ", to do"), what && el("p", { dir: "auto" }, what)),
        ...this.actions(name, isDone),
      );
    });
    this.list.replaceChildren(...items);
    focused?.focus();
  }

  private actions(name: StepName, isDone: boolean): Child[] {
    if (name === "PROFILE") return [this.edit];
    if (name === "TEST_CONVERSION") return [this.test, this.result];
    if (name === "TRACKER") return [el("button", { type: "button", onclick: this.goToCheck }, "Check a page")];
    const place = PLACES[name];
    if (isDone || !place) return [];
    const [section, words] = place;
    return [leading(el("a", { class: "button", href: this.desk.addressOf(section) }, words), () => this.desk.go(section))];
  }

  private async run(): Promise<void> {
    this.test.disabled = true;
    this.result.textContent = "Running…";
    try {
      const { runTestConversion } = await ask<TestConversionData>(TEST_CONVERSION, { input: { programId: this.program } });
      this.result.textContent = verdict(runTestConversion);
      this.result.classList.toggle("problem", !runTestConversion.passed);
    } catch (error) {
      this.result.replaceChildren();
      this.desk.fail(error);
    }
    this.test.disabled = false;
    this.test.focus();
    this.desk.refresh();
  }
}

function verdict(run: TestConversion): string {
  if (run.userErrors.length) return run.userErrors.map(({ message }) => message).join(". ");
  if (run.passed) return "Passed: click, lead and sale were credited to the test’s partner.";
  const failed = PARTS.filter((part) => run[part] !== "attributed");
  if (failed.join() === "sale") return "The sale earned nothing: no commission rule applies to it. Create one, then try again.";
  return `Not credited: ${failed.map((part) => `${part} (${run[part]?.replace("_", " ")})`).join(", ")}.`;
}
