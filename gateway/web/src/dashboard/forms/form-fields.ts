// The labelled fields of forms, each with a hint and the problem with what it has.

import { el, freshId, type Child } from "../parts/dom.ts";
import type { Problem } from "./changes.ts";

type Control = HTMLInputElement | HTMLSelectElement;

export interface FieldOptions {
  /** What is typed or chosen at first. */
  value?: string;
  hint?: Child;
  /** What is said if it is empty; without this it may be. */
  required?: string;
  /** Whether it goes without saying that it may be empty. */
  isExtra?: boolean;
  /** Further attributes of the control. */
  attributes?: Record<string, string | number | boolean>;
}

/** A field, named like the input field of the mutation that its value goes into. */
export class FormField {
  readonly element: HTMLElement;
  private readonly problem = el("p", { class: "problem", id: freshId() });
  private readonly hint: HTMLElement | null;
  private readonly start: string;

  constructor(
    readonly name: string,
    readonly label: string,
    readonly control: Control,
    private readonly options: FieldOptions,
  ) {
    control.id = freshId();
    if (options.required) control.setAttribute("aria-required", "true");
    this.hint = options.hint ? el("p", { class: "hint", id: freshId() }, options.hint) : null;
    const isOptional = !options.required && !options.isExtra && control instanceof HTMLInputElement && control.type !== "checkbox";
    const more = isOptional && el("span", { class: "optional" }, " (optional)");
    this.element = el("div", { class: "form-field" }, el("label", { for: control.id }, label, more), control, this.hint, this.problem);
    this.start = this.value;
    this.blame(null);
  }

  get value(): string {
    return this.control.value.trim();
  }

  set value(value: string) {
    this.control.value = value;
  }

  /** The value, or null for none, as inputs of mutations have it. */
  get given(): string | null {
    return this.value || null;
  }

  get isChanged(): boolean {
    return this.value !== this.start;
  }

  /** Return what is wrong with a field that is empty although it must not be. */
  missing(): Problem | null {
    const { required } = this.options;
    if (!required || this.element.hidden || this.value) return null;
    return { field: this.name, message: required, code: "required" };
  }

  /** Say what is wrong with the field, or with null that nothing is. */
  blame(message: string | null): void {
    this.problem.textContent = message ?? "";
    if (message) this.control.setAttribute("aria-invalid", "true");
    else this.control.removeAttribute("aria-invalid");
    const described = [message && this.problem.id, this.hint?.id].filter(Boolean);
    if (described.length) this.control.setAttribute("aria-describedby", described.join(" "));
    else this.control.removeAttribute("aria-describedby");
  }
}

/** Create a field to type into. */
export function textField(name: string, label: string, options: FieldOptions = {}): FormField {
  const attributes = { type: "text", autocomplete: "off", dir: "auto", maxlength: 255, ...options.attributes };
  const control = el("input", attributes);
  control.value = options.value ?? "";
  return new FormField(name, label, control, options);
}

/** Create a box to check, whose words are beside it. */
export class CheckField extends FormField {
  get isChecked(): boolean {
    return (this.control as HTMLInputElement).checked;
  }

  override get isChanged(): boolean {
    return this.isChecked;
  }
}

export function checkField(name: string, label: string, options: FieldOptions = {}): CheckField {
  const field = new CheckField(name, label, el("input", { type: "checkbox" }), options);
  field.element.classList.add("form-check");
  return field;
}

/** Create a field to choose from options, each a value and its words. */
export function selectField(
  name: string,
  label: string,
  choices: readonly (readonly [string, string])[],
  options: FieldOptions = {},
): FormField {
  const control = el("select", { ...options.attributes }, ...choices.map(([value, words]) => el("option", { value }, words)));
  if (options.value !== undefined) control.value = options.value;
  return new FormField(name, label, control, options);
}
