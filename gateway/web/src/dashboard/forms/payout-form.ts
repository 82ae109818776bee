// The form that records a payout of what a partner is owed.

import { ask, present } from "../api/api.ts";
import { OWED, type Owed, type OwedData } from "../api/payout-queries.ts";
import { MONEY, type Money } from "../api/queries.ts";
import { el } from "../parts/dom.ts";
import { payable } from "../parts/money.ts";
import type { Desk } from "../view/section.ts";
import { change } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { selectField, textField } from "./form-fields.ts";

const NOTHING = "There is nothing to be paid any more.";
const WORDS = "clickgate moves no money: pay the partner yourself. This records that you did, and marks the commissions as paid. It cannot be undone.";

interface Made {
  payout: { amount: Money };
}

/** Open the form, with what is owed at this moment. */
export async function recordPayout(desk: Desk, { partner, program }: Owed): Promise<void> {
  const filter = { programId: program.id, partnerId: partner.id };
  const [now] = present((await ask<OwedData>(OWED, { first: 1, filter })).partnerPrograms).nodes;
  const owed = payable(now?.balance ?? []);
  if (!owed.length) {
    desk.refresh();
    return desk.tell(NOTHING);
  }
  const currency = selectField("currency", "Currency", owed.map(({ currency, formatted }) => [currency, formatted]));
  currency.element.hidden = owed.length < 2;
  const note = textField("note", "Note", { hint: "Such as the number of the transfer. The partner reads it." });
  const sum = el("p", { class: "worth" });
  const chosen = () => owed.find((each) => each.currency === currency.value)?.formatted ?? "";
  const input = () => ({ ...filter, currency: currency.value, note: note.given });
  new FormDialog<Made>({
    title: el("span", {}, "Record a payout to ", el("bdi", {}, partner.name)),
    fields: [currency, note],
    content: [currency.element, sum, el("p", {}, WORDS), note.element],
    submit: "Record the payout",
    changed: () => void (sum.textContent = chosen()),
    send: () => change("recordPayout", `payout { amount { ${MONEY} } }`, input()),
    done: ({ payout: { amount } }) => {
      const isOther = amount.formatted !== chosen();
      const other = isOther ? ` It is not ${chosen()}, because commissions have changed meanwhile.` : "";
      desk.refresh();
      desk.tell(`A payout of ${amount.formatted} to ${partner.name} is recorded.${other}`);
    },
    fail: desk.fail,
  }).open();
}
