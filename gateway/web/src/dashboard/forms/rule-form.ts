// The form for a commission rule, which says in words what it will grant, and the question before one is ended.

import { RULE, type Rule } from "../api/rule-queries.ts";
import { el } from "../parts/dom.ts";
import { ruleSentence } from "../parts/rule-words.ts";
import type { Desk } from "../view/section.ts";
import { change } from "./changes.ts";
import { FormDialog } from "./form-dialog.ts";
import { RuleFields } from "./rule-fields.ts";

interface Made {
  commissionRule: Rule;
}

/** Open the form for a new rule. */
export async function createRule(desk: Desk): Promise<void> {
  const fields = new RuleFields(desk);
  const preview = el("div", { class: "preview" });
  await fields.offer();
  new FormDialog<Made>({
    title: "New rule",
    isWide: true,
    fields: fields.all,
    content: fields.content,
    preview,
    changed: () => {
      fields.adapt();
      const words = fields.sentence ?? "Fill in the form to read what the rule grants.";
      if (preview.textContent !== words) preview.replaceChildren(el("p", { dir: "auto" }, words));
    },
    submit: "Create rule",
    send: () => change("createCommissionRule", `commissionRule { ${RULE} }`, fields.input),
    done: ({ commissionRule }) => {
      desk.refresh();
      desk.tell(`The rule is created: ${ruleSentence(commissionRule)}.`);
    },
    fail: desk.fail,
  }).open();
}

/** Ask whether to end a rule, and say what that does. */
export function endRule(desk: Desk, rule: Rule): void {
  const sentence = ruleSentence(rule);
  const isPlanned = Date.parse(rule.effectiveFrom) > Date.now();
  const instead = "The next less specific rule that is in force counts instead; without one, they earn nothing.";
  const consequence = isPlanned ? "It never begins." : `Sales and leads from now on earn nothing by it. ${instead}`;
  new FormDialog({
    title: "End this rule",
    fields: [],
    content: [el("p", { class: "worth", dir: "auto" }, sentence), el("p", {}, consequence), el("p", {}, "What is earned already stays.")],
    submit: "End it",
    isGrave: true,
    send: () => change("endCommissionRule", "commissionRule { id }", { id: rule.id }),
    done: () => {
      desk.refresh();
      desk.tell(`The rule is ended: ${sentence}.`);
    },
    fail: desk.fail,
  }).open();
}
