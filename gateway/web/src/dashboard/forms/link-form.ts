// The form that creates and edits links. It shows the finished URL while it is filled in.

import type { Link, Program } from "../api/queries.ts";
import { copyButton } from "../parts/copy.ts";
import { el, type Child } from "../parts/dom.ts";
import type { Desk } from "../view/section.ts";
import { change } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { selectField, textField, type FormField } from "./form-fields.ts";
import { showLink, type PublishedLink } from "./link-dialog.ts";
import { TAGS, TAG_NAMES, apart, destinationOf, finishedUrl, type Tags } from "./link-urls.ts";
import { PartnerField } from "./partner-field.ts";

const LINK = "referralLink { code url }";
const CODE_HINT = "Letters, digits, - and _. One is made up if you leave it empty.";
const RENAMED = "If you change it, links that are published with the old code stop working.";

interface Made {
  referralLink: PublishedLink;
}

/** Open the form for a new link, with a code and a program if they are given. */
export async function createLink(desk: Desk, given: { code?: string; program?: string } = {}): Promise<void> {
  const form = new LinkForm(desk, null, given.code);
  const partner = new PartnerField("Choose a partner", { required: "Choose the partner who publishes the link." }, desk.fail);
  const program = selectField("programId", "Program", desk.programs.map(({ id, name }) => [id, name]));
  program.element.hidden = desk.programs.length < 2;
  program.value = given.program ?? program.value;
  program.control.addEventListener("change", () => void partner.offer(program.value));
  await partner.offer(program.value);
  form.of = () => desk.programs.find(({ id }) => id === program.value) ?? null;
  const input = () => ({ ...form.values, programId: program.value, partnerId: partner.value });
  new FormDialog<Made>({
    ...form.shared("New link", [program, partner]),
    submit: "Create link",
    send: () => change("createReferralLink", LINK, input()),
    done: ({ referralLink }) => {
      desk.refresh();
      desk.tell(`Link ${referralLink.code} is created.`);
      showLink(referralLink, "The link is ready: clicks through it are recorded from now on.");
    },
  }).open();
}

/** Open the form for a link that there is. */
export function editLink(desk: Desk, link: Link): void {
  const form = new LinkForm(desk, link);
  form.of = () => desk.programs.find(({ id }) => id === link.program?.id) ?? null;
  new FormDialog<Made>({
    ...form.shared(["Edit ", el("bdi", {}, link.code)], []),
    submit: "Save",
    send: () => change("updateReferralLink", LINK, { id: link.id, ...form.values }),
    done: ({ referralLink }) => {
      desk.refresh();
      desk.tell(`Link ${referralLink.code} is saved.`);
    },
  }).open();
}

class LinkForm {
  of: () => Program | null = () => null;
  private readonly page: FormField;
  private readonly code: FormField;
  private readonly tags: FormField[];
  private readonly finished = el("div", { class: "preview" });
  private shown = "";

  constructor(
    private readonly desk: Desk,
    link: Link | null,
    newCode = "",
  ) {
    const { page, tags } = apart(link?.destinationUrl ?? null);
    const hint = "The page that the link leads to. Empty for the program’s own site.";
    const attributes = { maxlength: 2048, dir: "ltr", inputmode: "url", placeholder: "https://" };
    this.page = textField("destinationUrl", "Destination", { value: page, hint, attributes });
    const whole = { maxlength: 64, dir: "ltr", autocapitalize: "off", spellcheck: "false" };
    const code = link ? { required: "A link needs a code.", value: link.code, hint: RENAMED } : { value: newCode, hint: CODE_HINT };
    this.code = textField("code", "Code", { ...code, attributes: whole });
    this.tags = TAG_NAMES.map((name) => textField(name, TAGS[name], { value: tags[name] ?? "", isExtra: true }));
  }

  shared(title: Child | Child[], first: FormField[]) {
    const isOpen = this.tags.some(({ value }) => value);
    const grid = el("div", { class: "form-grid" }, ...this.tags.map(({ element }) => element));
    const more = el("details", { open: isOpen }, el("summary", {}, "Campaign and sub-ids"), grid);
    return {
      title: el("span", {}, ...[title].flat()),
      isWide: true,
      fields: [...first, this.page, this.code, ...this.tags],
      content: [...[...first, this.page, this.code].map(({ element }) => element), more],
      preview: this.finished,
      changed: () => this.show(),
      fail: this.desk.fail,
    };
  }

  /** What the form says, as the mutations take it. */
  get values(): Record<string, string | null> {
    return { destinationUrl: this.destination, code: this.code.given };
  }

  private get destination(): string | null {
    const tags: Tags = Object.fromEntries(this.tags.map(({ name, value }) => [name, value]));
    return destinationOf(this.page.value, this.of()?.domain ?? null, tags);
  }

  private show(): void {
    const code = this.code.given;
    const url = finishedUrl(this.destination, this.of()?.domain ?? null, code ?? "…");
    const words = url?.replace(/%E2%80%A6/g, "…") ?? `Any page of the program’s site with ?aff=${code ?? "…"}`;
    // A button that says Copied is left alone.
    if (words === this.shown) return;
    this.shown = words;
    const copy = url && code && copyButton(url, "the finished URL");
    this.finished.replaceChildren(
      el("h3", {}, "Finished URL"),
      el("p", {}, el("span", { class: "url", dir: "ltr" }, words), copy),
    );
  }
}
