// A dialog with a form. It sends what was filled in once, and shows what is wrong with it beside the fields.

import { Refused } from "../api/api.ts";
import { el, freshId, type Child } from "../parts/dom.ts";
import { Invalid, failure, sentence, type Problem } from "./changes.ts";
import { Dialog, type DialogOptions } from "./dialog.ts";
import type { FormField } from "./form-fields.ts";

export interface FormOptions<Result> extends DialogOptions {
  fields: readonly FormField[];
  /** What the form consists of, where that is more than its fields. */
  content?: readonly Child[];
  /** What stays in sight above the buttons. */
  preview?: HTMLElement;
  submit: string;
  /** Whether it takes something away. */
  isGrave?: boolean;
  /** Called whenever something was typed or chosen. */
  changed?: () => void;
  /** Make the change. May throw `Invalid`. */
  send: () => Promise<Result>;
  done: (result: Result) => void;
  /** Told of tokens that are no longer accepted. */
  fail: (error: unknown) => void;
}

export class FormDialog<Result> extends Dialog {
  private readonly problems = el("div", { class: "form-problems", role: "alert", tabindex: "-1", hidden: true });
  private readonly submit: HTMLButtonElement;
  private isSending = false;

  constructor(private readonly options: FormOptions<Result>) {
    super({ leave: "Cancel", ...options });
    const id = freshId();
    const kind = options.isGrave ? "grave" : "primary";
    this.submit = el("button", { type: "submit", form: id, class: kind }, options.submit);
    const send = (event: Event) => {
      event.preventDefault();
      void this.send();
    };
    const parts = options.content ?? options.fields.map(({ element }) => element);
    const form = el("form", { id, novalidate: true, onsubmit: send, oninput: () => options.changed?.() }, ...parts);
    this.content.append(this.problems, form);
    if (options.preview) this.content.after(options.preview);
    this.buttons.append(this.submit);
    options.changed?.();
  }

  protected override get isUnsaved(): boolean {
    return this.options.fields.some(({ isChanged }) => isChanged);
  }

  protected override first(): HTMLElement | null {
    return this.options.fields.find(({ element }) => !element.hidden)?.control ?? null;
  }

  private async send(): Promise<void> {
    if (this.isSending) return;
    this.clear();
    const missing = this.options.fields.flatMap((field) => field.missing() ?? []);
    if (missing.length) return this.show(missing);
    this.wait(true);
    try {
      const result = await this.options.send();
      this.close();
      this.options.done(result);
    } catch (error) {
      if (error instanceof Invalid) this.show(error.problems);
      else this.tell(error);
    }
    this.wait(false);
  }

  // Not disabled, because a disabled button loses the focus.
  private wait(isSending: boolean): void {
    this.isSending = isSending;
    this.submit.setAttribute("aria-disabled", String(isSending));
    this.submit.textContent = isSending ? "One moment…" : this.options.submit;
  }

  private clear(): void {
    this.problems.hidden = true;
    for (const field of this.options.fields) field.blame(null);
  }

  private show(problems: readonly Problem[]): void {
    const blamed = problems.map((problem) => [problem, this.options.fields.find(({ name }) => name === problem.field)] as const);
    for (const [problem, field] of blamed) field?.blame(sentence(problem));
    const lines = blamed.map(([problem, field]) => (field ? `${field.label}: ${sentence(problem)}` : sentence(problem)));
    this.summarise(lines, blamed.every(([, field]) => field));
    (blamed.find(([, field]) => field)?.[1]?.control ?? this.problems).focus();
  }

  private tell(error: unknown): void {
    if (error instanceof Refused) {
      this.close();
      return this.options.fail(error);
    }
    this.summarise([failure(error)], false);
    this.problems.focus();
  }

  /** Say what is wrong. What fields show beside them is only for screen readers. */
  private summarise(lines: readonly string[], isShown: boolean): void {
    this.problems.className = isShown ? "unseen" : "form-problems";
    this.problems.replaceChildren(...lines.map((line) => el("p", {}, line)));
    this.problems.hidden = false;
  }
}
