// A program's setup: what is left to do, the tag for its pages, whether that is installed, and codes that no link has.

import { ask, present } from "../api/api.ts";
import type { Program } from "../api/queries.ts";
import { SETUP, type SetupData } from "../api/setup-queries.ts";
import { UnknownCodesPanel } from "../lists/unknown-codes.ts";
import { el } from "../parts/dom.ts";
import { leading } from "../parts/leading.ts";
import { panel } from "../parts/panel.ts";
import { InstallationPanel } from "../setup/installation.ts";
import { StepsPanel } from "../setup/setup-steps.ts";
import { TagPanel } from "../setup/setup-tag.ts";
import type { Asked } from "../view/asked.ts";
import { onlyValue } from "../view/filters.ts";
import type { Desk, Section } from "../view/section.ts";

const NO_PROGRAM = "No program yet. Create one on the command line: clickgate program create --name …";

export default class SetupSection implements Section {
  readonly element = el("div", { class: "panels setup" });
  private readonly steps: StepsPanel;
  private readonly tag = new TagPanel();
  private readonly installation: InstallationPanel;
  private readonly codes: UnknownCodesPanel;
  private readonly panels: HTMLElement[];
  /** The program with its domain. */
  private shown = "";

  constructor(private readonly desk: Desk) {
    this.steps = new StepsPanel(desk, () => this.installation.focus());
    this.installation = new InstallationPanel(desk.fail);
    this.codes = new UnknownCodesPanel(desk);
    this.panels = [this.steps, this.tag, this.installation, this.codes].map(({ element }) => element);
  }

  async load({ view, signal }: Asked): Promise<void> {
    const { programs } = this.desk;
    const program = onlyValue(view.filters, "PROGRAM") ?? (programs.length === 1 ? programs[0]!.id : null);
    if (!program) return this.element.replaceChildren(programs.length ? this.choice(programs) : nothing());
    const setup = present((await ask<SetupData>(SETUP, { program }, signal)).programSetup);
    if (signal.aborted) return;
    this.steps.show(setup);
    this.tag.show(setup);
    const { id, domain } = setup.program;
    const shown = `${id} ${domain}`;
    this.installation.show(setup, view.zone, shown !== this.shown);
    this.codes.show(setup, view.zone);
    this.shown = shown;
    if (this.element.firstChild !== this.panels[0]) this.element.replaceChildren(...this.panels);
  }

  private choice(programs: readonly Program[]): HTMLElement {
    const items = programs.map(({ id, name, domain }) => {
      const chosen = { dimension: "PROGRAM", value: id, words: name } as const;
      const link = leading(el("a", { href: this.desk.addressOf("setup", chosen), dir: "auto" }, name), () =>
        this.desk.go("setup", chosen),
      );
      return el("li", {}, link, domain && el("span", { class: "muted" }, domain));
    });
    return panel("Which program?", {}, el("ul", { class: "programs" }, ...items));
  }
}

function nothing(): HTMLElement {
  return panel("Which program?", {}, el("p", { class: "empty" }, NO_PROGRAM));
}
