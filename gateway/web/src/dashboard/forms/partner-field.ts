// A field to choose a partner of a program, with a search where there are more than a list can have.

import { ask, present } from "../api/api.ts";
import type { Named } from "../api/queries.ts";
import { el, freshId } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import { FormField, type FieldOptions } from "./form-fields.ts";

const MOST = 100;
/** The pause after which a name that is being typed is searched for. */
const TYPING_MS = 300;
const PARTNERS = `
query PartnersOf($most: Int!, $filter: PartnerProgramFilter!) {
  partnerPrograms(first: $most, filter: $filter, orderBy: {field: NAME, direction: ASC}) {
    nodes { partner { id name } } totalCount
  }
}`;

interface Members {
  partnerPrograms: { nodes: { partner: Named }[]; totalCount: number } | null;
}

export class PartnerField extends FormField {
  private readonly search = el("input", { id: freshId(), type: "search", autocomplete: "off", maxlength: 100, dir: "auto" });
  private readonly found = el("p", { class: "hint", role: "status" });
  private readonly none = el("p", { class: "hint", hidden: true }, "This program has no partners yet. Create one first.");
  private readonly searching: HTMLElement;
  private typing: number | undefined;
  private program = "";
  private turn = 0;

  /** `first` is what is chosen at first: nobody, or everybody. */
  constructor(
    private readonly first: string,
    options: FieldOptions,
    private readonly fail: (error: unknown) => void,
  ) {
    super("partnerId", "Partner", el("select", {}, el("option", { value: "" }, first)), options);
    const label = el("label", { for: this.search.id }, "Find a partner by name");
    this.searching = el("div", { class: "form-field", hidden: true }, label, this.search, this.found);
    this.element.prepend(this.searching);
    this.element.append(this.none);
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = window.setTimeout(() => void this.load(), TYPING_MS);
    });
  }

  /** Offer the partners of a program, and choose one of them. */
  async offer(program: string, chosen: string | null = null): Promise<void> {
    this.program = program;
    this.search.value = "";
    const count = await this.load(chosen);
    if (count === null) return;
    this.searching.hidden = count <= MOST;
    this.none.hidden = count > 0;
  }

  /** The chosen partner's name. */
  get words(): string {
    return (this.control as HTMLSelectElement).selectedOptions[0]?.text ?? "";
  }

  /** Read the partners that are searched for, and return how many there are; null if they cannot be read. */
  private async load(chosen: string | null = null): Promise<number | null> {
    const mine = ++this.turn;
    const filter = { programId: this.program, search: this.search.value.trim() || null };
    try {
      const { nodes, totalCount } = present((await ask<Members>(PARTNERS, { most: MOST, filter })).partnerPrograms);
      if (mine === this.turn) this.show(nodes, totalCount, chosen);
      return totalCount;
    } catch (error) {
      this.fail(error);
      return null;
    }
  }

  private show(members: { partner: Named }[], count: number, chosen: string | null): void {
    const options = members.map(({ partner: { id, name } }) => el("option", { value: id }, name));
    // What is found by a name is meant.
    const isFound = this.search.value.trim() !== "" && members.length === 1;
    this.control.replaceChildren(el("option", { value: "" }, this.first), ...options);
    const wanted = isFound ? members[0]!.partner.id : chosen;
    this.value = members.some(({ partner: { id } }) => id === wanted) ? wanted! : "";
    this.found.textContent = count > MOST ? `The first ${MOST} of ${number(count)} are listed below.` : `${number(count)} found.`;
    this.control.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
