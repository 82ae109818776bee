// The codes that visitors bring and no link has: each is credit that a partner loses to a misspelt or deleted link.

import type { Setup, UnknownCode } from "../api/setup-queries.ts";
import { demanding } from "../parts/code.ts";
import { el, unseen, withRoles } from "../parts/dom.ts";
import { keepingFocus } from "../parts/focus.ts";
import { dateTime } from "../parts/format.ts";
import { panel } from "../parts/panel.ts";
import type { Desk } from "../view/section.ts";
import { count, cut, name } from "./list-cells.ts";

const NONE = "None. Every code that visitors of your site brought lately belongs to a link.";
const WHY = "Visitors came with these codes, but no link has them: a link was deleted, or a partner misspelt it.";

export class UnknownCodesPanel {
  readonly element: HTMLElement;
  private readonly body = el("tbody");
  private readonly why = el("p", { class: "muted" }, WHY);
  private readonly none = el("p", { class: "empty" }, NONE);
  private readonly table: HTMLTableElement;

  constructor(private readonly desk: Desk) {
    const names = ["Code", "Landings", "Last page", "Last seen"];
    const head = names.map((each, at) => el("th", { scope: "col", class: at === 1 && "number" }, each));
    const buttons = el("th", { scope: "col" }, unseen("Action"));
    this.table = el("table", { class: "stacked listed" }, el("thead", {}, el("tr", {}, ...head, buttons)), this.body);
    this.element = panel("Codes that no link has", {}, this.why, this.table, this.none);
    this.element.tabIndex = -1;
  }

  show({ program, unknownCodes }: Setup, zone: string): void {
    const rows = unknownCodes.map((each) => this.row(each, program.id, zone));
    keepingFocus(this.element, () => this.body.replaceChildren(...rows));
    withRoles(this.table).hidden = this.why.hidden = !rows.length;
    this.none.hidden = !!rows.length;
  }

  private row({ code, clicks, lastPage, lastSeenAt }: UnknownCode, program: string, zone: string): HTMLElement {
    const form = () => import("../forms/link-form.ts");
    const create = demanding(form, ({ createLink }) => createLink(this.desk, { code, program }), this.desk.fail);
    const attributes = { type: "button", class: "quiet save", onclick: create, "data-focus": `create ${code}` };
    return el(
      "tr",
      { "data-code": code },
      el("th", { scope: "row" }, cut(code)),
      count("Landings", clicks),
      name("Last page", lastPage),
      name("Last seen", dateTime(lastSeenAt, zone)),
      el("td", {}, el("button", attributes, "Create link", unseen(` ${code}`))),
    );
  }
}
