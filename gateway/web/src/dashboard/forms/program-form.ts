// The form for what a program's owner decides about the program.

import type { Setup } from "../api/setup-queries.ts";
import { el } from "../parts/dom.ts";
import type { Desk } from "../view/section.ts";
import { change } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { textField } from "./form-fields.ts";

const DOMAIN_HINT = "That of your site, such as yoursite.com. Links without a page of their own lead there, and only its pages can be checked for the tracker.";
const WINDOW_HINT = "For so long after a click, a sign-up or a sale counts for the partner. It applies from the next click and sale on.";

interface Changed {
  program: { id: string; name: string; domain: string | null };
}

export function editProgram(desk: Desk, { program }: Setup): void {
  const name = textField("name", "Name", { required: "A program needs a name.", value: program.name });
  const url = { dir: "ltr", inputmode: "url", spellcheck: "false" };
  const domain = textField("domain", "Domain", { value: program.domain ?? "", hint: DOMAIN_HINT, attributes: url });
  const days = textField("cookieWindowDays", "Days for which a click counts", {
    ...{ required: "Enter the number of days.", value: String(program.cookieWindowDays), hint: WINDOW_HINT },
    attributes: { type: "number", min: 1, max: 3650, dir: "ltr", inputmode: "numeric" },
  });
  new FormDialog<Changed>({
    title: el("span", {}, "Edit ", el("bdi", {}, program.name)),
    fields: [name, domain, days],
    submit: "Save",
    send: () =>
      change("updateProgram", "program { id name domain }", {
        ...{ id: program.id, name: name.value, domain: domain.given, cookieWindowDays: Number(days.value) },
      }),
    done: (changed) => {
      desk.rename(changed.program);
      desk.refresh();
      desk.tell(`${changed.program.name} is saved.`);
    },
    fail: desk.fail,
  }).open();
}
