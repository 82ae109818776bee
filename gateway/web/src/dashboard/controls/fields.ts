// The form fields that the controls are made of, each with its label.
//
// Arrow keys and letters pass by choices on the way to the one that is meant, so that what they choose is not taken at
// once.

import { el, freshId } from "../parts/dom.ts";
import { FIRST_DAY, LAST_DAY } from "../view/spans.ts";

/** The pause after which a choice that keys made is taken to be meant. */
const PASSING_MS = 500;

/** Take a field's choices: at once if they were pressed, and those that keys pass by after a pause, or on leaving. */
function whenMeant(field: HTMLElement, choose: (value: string) => void): void {
  let isByKey = false;
  let timer: number | undefined;
  let waiting: string | null = null;
  const commit = () => {
    clearTimeout(timer);
    const value = waiting;
    waiting = null;
    if (value !== null) choose(value);
  };
  field.addEventListener("pointerdown", () => (isByKey = false));
  field.addEventListener("keydown", ({ key }) => {
    if (key === "Enter") commit();
    isByKey = key !== "Enter" && key !== " ";
  });
  field.addEventListener("focusout", ({ relatedTarget }) => field.contains(relatedTarget as Node | null) || commit());
  field.addEventListener("change", ({ target }) => {
    waiting = (target as HTMLInputElement | HTMLSelectElement).value;
    clearTimeout(timer);
    if (isByKey) timer = window.setTimeout(commit, PASSING_MS);
    else commit();
  });
}

/** A drop-down list. */
export class Choice {
  readonly element: HTMLElement;
  private readonly field: HTMLSelectElement;

  constructor(label: string, choose: (value: string) => void) {
    const id = freshId();
    this.field = el("select", { id });
    whenMeant(this.field, choose);
    this.element = el("div", { class: "choice-field" }, el("label", { for: id }, label), this.field);
  }

  /** Set the options, each a value and its label. The same options are left alone, as the list may be open. */
  offer(pairs: [string, string][]): void {
    const isSame = ([value, words]: [string, string], at: number) =>
      this.field.options[at]?.value === value && this.field.options[at].text === words;
    if (this.field.options.length === pairs.length && pairs.every(isSame)) return;
    this.field.replaceChildren(...pairs.map(([value, words]) => el("option", { value }, words)));
  }

  select(value: string): void {
    // A time zone may have several names, and the browser lists only one of them.
    if (![...this.field.options].some((option) => option.value === value)) this.field.append(el("option", { value }, value));
    this.field.value = value;
  }
}

/** A segmented control: a row of radio buttons. */
export class Segments<Value extends string> {
  readonly element: HTMLElement;
  private readonly inputs: HTMLInputElement[];

  constructor(legend: string, words: Record<Value, string>, choose: (value: Value) => void) {
    const name = freshId();
    const values = Object.keys(words) as Value[];
    this.inputs = values.map((value) =>
      el("input", { type: "radio", name, id: `${name}-${value}`, value, "data-focus": `${legend} ${value}` }),
    );
    const pairs = this.inputs.map((input) =>
      el("span", {}, input, el("label", { for: input.id }, words[input.value as Value])),
    );
    this.element = el("fieldset", { class: "segments" }, el("legend", { class: "unseen" }, legend), ...pairs);
    whenMeant(this.element, (value) => choose(value as Value));
  }

  select(value: Value): void {
    for (const input of this.inputs) input.checked = input.value === value;
  }
}

/** The first and last day of a custom period. */
export class Dates {
  readonly element: HTMLElement;
  private readonly from = dateField();
  private readonly to = dateField();
  private readonly problem = el("span", { class: "problem", role: "alert" });

  constructor(choose: (from: string, to: string) => void) {
    const submit = (event: Event) => {
      event.preventDefault();
      const isRight = this.from.value <= this.to.value;
      this.problem.textContent = isRight ? "" : "The first day must not be after the last.";
      if (isRight) choose(this.from.value, this.to.value);
    };
    this.element = el(
      "form",
      { class: "dates", hidden: true, onsubmit: submit, "aria-label": "Custom period" },
      el("label", { for: this.from.id }, "From"),
      this.from,
      el("label", { for: this.to.id }, "to"),
      this.to,
      el("button", { type: "submit" }, "Show"),
      this.problem,
    );
  }

  open([first, last]: [string, string]): void {
    this.element.hidden = false;
    this.problem.textContent = "";
    [this.from.value, this.to.value] = [first, last];
  }
}

function dateField(): HTMLInputElement {
  return el("input", { id: freshId(), type: "date", min: FIRST_DAY, max: LAST_DAY, required: true });
}
