// The codes that visitors bring and no link has: each is credit that a partner loses to a misspelt or deleted link.

import { el, withRoles } from "./dom.ts";
import { dateTime } from "./format.ts";
import { count, cut, name, text } from "./list-cells.ts";
import { panel } from "./panel.ts";
import type { UnknownCode } from "./setup-queries.ts";

const NONE = "None. Every code that visitors of your site brought lately belongs to a link.";
const WHY = "Visitors came with these codes, but no link has them: a link was deleted, or a partner misspelt it.";

export class UnknownCodesPanel {
  readonly element: HTMLElement;
  private readonly body = el("tbody");
  private readonly why = el("p", { class: "muted" }, WHY);
  private readonly none = el("p", { class: "empty" }, NONE);
  private readonly table: HTMLTableElement;

  constructor() {
    const names = ["Code", "Landings", "Last page", "Last seen"];
    const head = names.map((name, at) => el("th", { scope: "col", class: at === 1 && "number" }, name));
    this.table = el("table", { class: "stacked listed" }, el("thead", {}, el("tr", {}, ...head)), this.body);
    this.element = panel("Codes that no link has", {}, this.why, this.table, this.none);
  }

  show(codes: UnknownCode[], zone: string): void {
    this.body.replaceChildren(...codes.map((each) => row(each, zone)));
    withRoles(this.table).hidden = this.why.hidden = !codes.length;
    this.none.hidden = !!codes.length;
  }
}

function row({ code, clicks, lastPage, lastSeenAt }: UnknownCode, zone: string): HTMLElement {
  return el(
    "tr",
    { "data-code": code },
    el("th", { scope: "row" }, cut(code)),
    count("Landings", clicks),
    name("Last page", lastPage),
    text("Last seen", dateTime(lastSeenAt, zone)),
  );
}
