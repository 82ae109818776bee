// Imports links from a CSV file: all of them, or none. What is wrong is said before, line by line.

import { Failed } from "../api/api.ts";
import { problemTable } from "../imports/import-problems.ts";
import { importLinks, type Imported } from "../imports/link-import.ts";
import { ListFile } from "../lists/list-file.ts";
import { el, freshId } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import { leading } from "../parts/leading.ts";
import { panel } from "../parts/panel.ts";
import type { Asked } from "../view/asked.ts";
import { onlyValue } from "../view/filters.ts";
import type { Desk, Section } from "../view/section.ts";

export default class Import implements Section {
  readonly element: HTMLElement;
  private asked: Asked | null = null;
  private sending: AbortController | null = null;
  private readonly field = el("input", { type: "file", id: freshId(), accept: ".csv,text/csv", onchange: () => void this.look() });
  private readonly program = el("select", { id: freshId(), onchange: () => void this.look() });
  private readonly result = el("div", { class: "import-result" });
  private readonly state = el("p", { class: "import-state", role: "status", tabindex: "-1" });
  private readonly back = el("a", {}, "Back to the links");

  constructor(private readonly desk: Desk) {
    leading(this.back, () => desk.go("links"));
    // The same file may be chosen again once it is mended, which would not be a change.
    this.field.addEventListener("click", () => (this.field.value = ""));
    this.program.append(...desk.programs.map(({ id, name }) => el("option", { value: id }, name)));
    const partners = new ListFile("partners", () => this.partners(), desk.fail);
    const choice = (words: string, control: HTMLElement, isHidden = false) =>
      el("div", { class: "choice-field file", hidden: isHidden }, el("label", { for: control.id }, words), control);
    const choices = el(
      "div",
      { class: "choices" },
      choice("Program of lines that name none", this.program, desk.programs.length < 2),
      choice("CSV file", this.field),
    );
    const content = [guide(partners), choices, this.state, this.result];
    this.element = panel("Import links", { note: this.back }, ...content);
  }

  async load(asked: Asked): Promise<void> {
    this.asked = asked;
    this.back.href = this.desk.addressOf("links");
    const chosen = onlyValue(asked.view.filters, "PROGRAM");
    if (chosen && !this.field.files?.length) this.program.value = chosen;
  }

  private partners() {
    const filter = { programId: this.program.value };
    return this.asked && { list: "partners", name: "partners.csv", filter, signal: this.asked.signal };
  }

  /** Say what an import of the chosen file would do. */
  private async look(): Promise<void> {
    const file = this.field.files?.[0];
    this.result.replaceChildren();
    this.tell("");
    if (!file) return;
    const found = await this.send(file, true, "Checking the file…");
    if (!found) return;
    const { links, problems } = found;
    if (problems.length) {
      const have = problems.length === 1 ? "line has a problem" : "lines have problems";
      const lines = `${number(problems.length)} of ${number(problems.length + links)} ${have}`;
      this.tell(`${lines}. Nothing is imported until all are right: mend the file, and choose it again.`);
      this.result.append(problemTable(problems, (await file.text()).split(/\r\n|\n|\r/)));
      return;
    }
    this.tell(`The file is fine: ${counted(links)} would be created.`);
    const create = () => void this.create(file);
    this.result.append(el("button", { type: "button", class: "primary", onclick: create }, `Import ${counted(links)}`));
  }

  private async create(file: File): Promise<void> {
    this.result.replaceChildren();
    this.state.focus();
    const done = await this.send(file, false, "Importing…");
    if (!done) return;
    // Somebody else has made one of the links since the file was looked at.
    if (done.problems.length) return this.look();
    this.field.value = "";
    this.tell(`${counted(done.created)} created. Clicks through them are recorded from now on.`);
    this.desk.tell(`${counted(done.created)} created.`);
  }

  private async send(file: File, isPreview: boolean, words: string): Promise<Imported | null> {
    this.sending?.abort();
    const { signal } = (this.sending = new AbortController());
    this.tell(words);
    const program = this.desk.programs.find(({ id }) => id === this.program.value)?.databaseId ?? null;
    try {
      return await importLinks(file, program, isPreview, signal);
    } catch (error) {
      if (signal.aborted) return null;
      this.tell(error instanceof Failed ? `This file cannot be imported: ${error.message}.` : "");
      if (!(error instanceof Failed)) this.desk.fail(error);
      return null;
    }
  }

  private tell(words: string): void {
    this.state.textContent = words;
  }
}

function guide(partners: ListFile): HTMLElement {
  const code = (text: string) => el("code", {}, text);
  const more = ["code", "destination_url", "status", "program_id"].flatMap((name, at) => [at ? ", " : "", code(name)]);
  const columns = ["The first line names the columns: ", code("partner_id"), ", and any of ", ...more, ". A link without a code is given one."];
  const ids = ["The ", code("database_id"), " in the list of your partners is the number that goes into ", code("partner_id"), ":"];
  return el(
    "div",
    { class: "guide" },
    el("p", {}, "Up to 10,000 links at once, a line for each. All of them are created, or none."),
    el("p", {}, ...columns),
    el("pre", { dir: "ltr", tabindex: "0" }, "partner_id,code,destination_url\n17,SPRING,https://myshop.example/sale\n18,,"),
    el("p", {}, ...ids, partners.button),
    partners.status,
  );
}

function counted(count: number): string {
  return `${number(count)} ${count === 1 ? "link" : "links"}`;
}
