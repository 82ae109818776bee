// Approves and rejects commissions, once it was confirmed how many they are and what they are worth.

import type { Commission } from "../api/conversion-queries.ts";
import { worth } from "../parts/commission-states.ts";
import { el } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import type { Desk } from "../view/section.ts";
import { Invalid, change, changes } from "./changes.ts";
import { Dialog } from "./dialog.ts";
import { FormDialog } from "./form-dialog.ts";
import { textField, type FormField } from "./form-fields.ts";

const SELECTION = "commissions { id }";
type Refused = readonly [Commission, Invalid];

interface Review {
  mutation: "approveCommissions" | "rejectCommissions";
  /** What is done, such as `Approve`, and what is then done. */
  words: readonly [string, string];
  consequence: string;
  fields: readonly FormField[];
}

/** Ask whether to approve commissions. `settled` is called after the answer yes. */
export function approve(desk: Desk, commissions: readonly Commission[], settled: () => void): void {
  const consequence = "They can be paid from now on, even if their hold is not over. This cannot be undone, but they can still be rejected until they are paid.";
  open(desk, commissions, { mutation: "approveCommissions", words: ["Approve", "approved"], consequence, fields: [] }, settled);
}

/** Ask whether to reject commissions, and why. */
export function reject(desk: Desk, commissions: readonly Commission[], settled: () => void): void {
  const consequence = "The partners earn nothing for these sales and leads. This cannot be undone.";
  const options = { required: "Say why, for the partners to read.", hint: "The partners read this." };
  const fields = [textField("reason", "Reason", options)];
  open(desk, commissions, { mutation: "rejectCommissions", words: ["Reject", "rejected"], consequence, fields }, settled);
}

function open(desk: Desk, commissions: readonly Commission[], review: Review, settled: () => void): void {
  const { mutation, words: [verb, done], consequence, fields } = review;
  const more = () => Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  new FormDialog<Refused[]>({
    title: `${verb} ${counted(commissions.length)}`,
    fields,
    content: [el("p", { class: "worth" }, worth(commissions)), el("p", {}, consequence), ...fields.map(({ element }) => element)],
    submit: `${verb} ${number(commissions.length)}`,
    isGrave: mutation === "rejectCommissions",
    send: () => settle(mutation, commissions, more()),
    done: (refused) => {
      const good = commissions.filter((each) => !refused.some(([one]) => one === each));
      settled();
      desk.refresh();
      if (good.length) desk.tell(`${counted(good.length)} ${done}: ${worth(good)}.`);
      if (refused.length) new RefusedDialog(refused, done).open();
    },
    fail: desk.fail,
  }).open();
}

/** Settle commissions of each program at once. If some cannot be, settle one by one, and return those that cannot. */
async function settle(mutation: Review["mutation"], commissions: readonly Commission[], more: object): Promise<Refused[]> {
  const refused: Refused[] = [];
  for (const program of new Set(commissions.map((each) => each.program.id))) {
    const own = commissions.filter((each) => each.program.id === program);
    try {
      await change(mutation, SELECTION, { ids: own.map(({ id }) => id), ...more });
    } catch (error) {
      // Another field is wrong, for all of them.
      if (!(error instanceof Invalid) || error.problems.some(({ field }) => field !== "ids")) throw error;
      const outcomes = await changes(mutation, SELECTION, own.map(({ id }) => ({ ids: [id], ...more })));
      outcomes.forEach((outcome, at) => outcome instanceof Invalid && refused.push([own[at]!, outcome]));
    }
  }
  return refused;
}

class RefusedDialog extends Dialog {
  constructor(refused: readonly Refused[], done: string) {
    super({ title: `${counted(refused.length)} could not be ${done}` });
    const rows = refused.map(([{ amount, partner, sale, leadEvent }, why]) => {
      const what = `${amount.formatted}, ${sale?.transactionId ?? leadEvent?.eventName ?? ""}, `;
      return el("li", {}, what, el("bdi", {}, partner?.name), `: ${why.message}`);
    });
    this.content.append(el("ul", {}, ...rows));
  }
}

function counted(count: number): string {
  return `${number(count)} ${count === 1 ? "commission" : "commissions"}`;
}
