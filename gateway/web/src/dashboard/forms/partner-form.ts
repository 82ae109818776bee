// The forms that create partners, edit them, and add them to programs.

import type { Member } from "../api/member-queries.ts";
import { el } from "../parts/dom.ts";
import type { Desk } from "../view/section.ts";
import { change } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { selectField, textField, type FormField } from "./form-fields.ts";

const NAMELESS = "A partner needs a name.";
const HIDDEN_EMAIL = "You cannot read the address that is stored. Leave this empty to keep it.";

interface Made {
  partner: { name: string };
}

/** Open the form for a new partner, who joins a program at once. */
export function createPartner(desk: Desk): void {
  const name = textField("name", "Name", { required: NAMELESS });
  const email = emailField("", "To reach the partner by.");
  const program = programField(desk.programs.map(({ id, name }) => [id, name]));
  new FormDialog<Made>({
    title: "New partner",
    fields: [name, email, program],
    submit: "Create partner",
    send: () => change("createPartner", "partner { name }", { name: name.value, email: email.given, programId: program.value }),
    done: ({ partner }) => {
      desk.refresh();
      desk.tell(`${partner.name} is a partner now. The next step is a link to publish.`);
    },
    fail: desk.fail,
  }).open();
}

/** Open the form for a partner's name and address. Only administrators can read the address. */
export function editPartner(desk: Desk, { partner }: Member): void {
  const name = textField("name", "Name", { required: NAMELESS, value: partner.name });
  const email = emailField(partner.email ?? "", desk.isAdministrator ? "" : HIDDEN_EMAIL);
  new FormDialog<Made>({
    title: el("span", {}, "Edit ", el("bdi", {}, partner.name)),
    fields: [name, email],
    submit: "Save",
    send: () => change("updatePartner", "partner { name }", { id: partner.id, name: name.value, email: email.given }),
    done: ({ partner: { name } }) => {
      desk.refresh();
      desk.tell(`${name} is saved.`);
    },
    fail: desk.fail,
  }).open();
}

/** Open the form that adds a partner to another program. */
export function addToProgram(desk: Desk, { partner, program: own }: Member): void {
  const others = desk.programs.filter(({ id }) => id !== own.id);
  const program = programField(others.map(({ id, name }) => [id, name]));
  new FormDialog({
    title: el("span", {}, "Add ", el("bdi", {}, partner.name), " to a program"),
    fields: [program],
    submit: "Add",
    send: () => change("addPartnerToProgram", "partnerProgram { id }", { partnerId: partner.id, programId: program.value }),
    done: () => {
      desk.refresh();
      desk.tell(`${partner.name} is a partner in ${others.find(({ id }) => id === program.value)?.name ?? ""} now.`);
    },
    fail: desk.fail,
  }).open();
}

function emailField(value: string, hint: string): FormField {
  const attributes = { type: "email", dir: "ltr", inputmode: "email", maxlength: 320 };
  return textField("email", "E-mail address", { value, hint, attributes });
}

function programField(choices: [string, string][]): FormField {
  const field = selectField("programId", "Program", choices);
  field.element.hidden = choices.length < 2;
  return field;
}
