// Where somebody says who they are, by pasting a token.

import { forgetToken, keepToken } from "../token.ts";
import { Away, Refused, ask } from "./api.ts";
import { el, freshId } from "./dom.ts";
import { VIEWER, type ViewerData } from "./queries.ts";

// What can stand in an Authorization header; anything else is no token of ours, and a browser would not send it.
const TOKEN = /^[\w.~+/-]+=*$/;

const HINT = "You have it from whoever runs the program. It stays in this tab, until you sign out or close it.";

export class SignIn {
  readonly element: HTMLElement;
  private readonly field: HTMLInputElement;
  private readonly problem: HTMLElement;
  private readonly button = el("button", { class: "primary", type: "submit" }, "Sign in");

  /** `why` says what brought the visitor here; `done` is called once a token is good. */
  constructor(
    why: string | null,
    private readonly done: (viewer: ViewerData) => void,
  ) {
    const [id, hint, problem] = [freshId(), freshId(), freshId()];
    const kind = { type: "password", autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true };
    this.field = el("input", { id, name: "token", ...kind, "aria-describedby": `${problem} ${hint}` });
    this.problem = el("p", { id: problem, class: "problem", role: "alert" }, why);
    const form = el(
      "form",
      { onsubmit: (event) => void this.submit(event), novalidate: true },
      el("label", { for: id }, "Token"),
      this.field,
      this.problem,
      this.button,
      el("p", { id: hint, class: "hint" }, HINT),
    );
    this.element = el("main", { class: "signin" }, el("p", { class: "brand" }, "clickgate"), el("h1", {}, "See your clicks"), form);
  }

  focus(): void {
    this.field.focus();
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const secret = this.field.value.trim();
    if (!TOKEN.test(secret)) return this.tell("This is not a token. It has letters, digits, - and _, and no spaces.");
    this.button.disabled = true;
    try {
      keepToken(secret);
      this.done(await ask<ViewerData>(VIEWER));
    } catch (error) {
      forgetToken();
      this.tell(wordsFor(error));
    } finally {
      this.button.disabled = false;
    }
  }

  private tell(words: string): void {
    this.problem.textContent = words;
    this.field.setAttribute("aria-invalid", "true");
    this.focus();
  }
}

function wordsFor(error: unknown): string {
  if (error instanceof Refused) return "This token is not accepted. It may be mistyped, expired or revoked.";
  if (error instanceof Away) return "The gateway cannot be reached now. Try again in a moment.";
  return error instanceof Error ? error.message : String(error);
}
