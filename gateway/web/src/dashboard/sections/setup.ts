// A program's setup: what is left to do, the tag for its pages, whether that is installed, and codes that no link has.

import { ask, present } from "../api.ts";
import type { Asked } from "../clicks.ts";
import { el } from "../dom.ts";
import { onlyValue } from "../filters.ts";
import { InstallationPanel } from "../installation.ts";
import { leading } from "../navigation.ts";
import { panel } from "../panel.ts";
import type { Desk, Section } from "../section.ts";
import { CHOICE, SETUP, type ChoiceData, type SetupData } from "../setup-queries.ts";
import { StepsPanel } from "../setup-steps.ts";
import { TagPanel } from "../setup-tag.ts";
import { UnknownCodesPanel } from "../unknown-codes.ts";

const NO_PROGRAM = "No program yet. Create one on the command line: clickgate program create --name …";

export default class SetupSection implements Section {
  readonly element = el("div", { class: "panels setup" });
  private readonly steps: StepsPanel;
  private readonly tag = new TagPanel();
  private readonly installation: InstallationPanel;
  private readonly codes: UnknownCodesPanel;
  private readonly panels: HTMLElement[];
  private shown: string | null = null;
  private asked: Asked | null = null;

  constructor(private readonly desk: Desk) {
    this.steps = new StepsPanel(
      desk,
      () => this.installation.focus(),
      () => this.reload(),
    );
    this.installation = new InstallationPanel(desk.fail);
    this.codes = new UnknownCodesPanel();
    this.panels = [this.steps, this.tag, this.installation, this.codes].map(({ element }) => element);
  }

  async load(asked: Asked): Promise<void> {
    this.asked = asked;
    const { view, signal } = asked;
    const program = onlyValue(view.filters, "PROGRAM") ?? (await this.onlyProgram(signal));
    if (!program || signal.aborted) return;
    const setup = present((await ask<SetupData>(SETUP, { program }, signal)).programSetup);
    if (signal.aborted) return;
    this.steps.show(setup);
    this.tag.show(setup);
    this.installation.show(setup, view.zone, setup.program.id !== this.shown);
    this.codes.show(setup.unknownCodes, view.zone);
    this.shown = setup.program.id;
    if (this.element.firstChild !== this.panels[0]) this.element.replaceChildren(...this.panels);
  }

  private reload(): void {
    if (this.asked && !this.asked.signal.aborted) void this.load(this.asked).catch(this.desk.fail);
  }

  /** Return the viewer's own program or the only one there is; otherwise offer those that there are. */
  private async onlyProgram(signal: AbortSignal): Promise<string | null> {
    const data = await ask<ChoiceData>(CHOICE, {}, signal);
    const { nodes } = present(data.programs);
    const only = data.viewer.program?.id ?? (nodes.length === 1 ? nodes[0]!.id : null);
    if (!only && !signal.aborted) this.element.replaceChildren(nodes.length ? this.choice(nodes) : nothing());
    return only;
  }

  private choice(programs: { id: string; name: string; domain: string | null }[]): HTMLElement {
    const items = programs.map(({ id, name, domain }) => {
      const chosen = { dimension: "PROGRAM", value: id, words: name } as const;
      const link = leading(el("a", { href: this.desk.addressOf("setup", chosen), dir: "auto" }, name), () =>
        this.desk.go("setup", chosen),
      );
      return el("li", {}, link, domain && el("span", { class: "muted" }, domain));
    });
    return panel("Which program?", {}, el("ul", { class: "choices" }, ...items));
  }
}

function nothing(): HTMLElement {
  return panel("Which program?", {}, el("p", { class: "empty" }, NO_PROGRAM));
}
