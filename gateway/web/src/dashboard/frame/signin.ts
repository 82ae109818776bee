// The sign-in form, which takes a token.

import { forget, signIn } from "../../session.ts";
import { Away, Refused, ask } from "../api/api.ts";
import { VIEWER, type ViewerData } from "../api/queries.ts";
import { el, freshId } from "../parts/dom.ts";

// The characters that an Authorization header allows in a token (RFC 6750); a browser would not send any other.
const TOKEN = /^[\w.~+/-]+=*$/;

const HINT = "You get a token from the program’s owner. This browser stays signed in until you sign out.";

export class SignIn {
  readonly element: HTMLElement;
  private readonly field: HTMLInputElement;
  private readonly problem: HTMLElement;
  private readonly button = el("button", { class: "primary", type: "submit" }, "Sign in");

  /** `why` explains why the user was signed out, if they were; `done` is called after a successful sign-in. */
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
    this.element = el("main", { class: "signin" }, el("p", { class: "brand" }, "clickgate"), el("h1", {}, "Sign in to see your clicks"), form);
  }

  focus(): void {
    this.field.focus();
  }

  private async submit(event: Event): Promise<void> {
    event.preventDefault();
    const secret = this.field.value.trim();
    if (!TOKEN.test(secret)) return this.tell("This is not a token. Tokens consist of letters, digits, - and _, without spaces.");
    this.button.disabled = true;
    try {
      await signIn({ kind: "token", secret });
      this.done(await ask<ViewerData>(VIEWER));
    } catch (error) {
      forget();
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

export function wordsFor(error: unknown): string {
  if (error instanceof Refused) return "This token was not accepted. It may be mistyped, expired or revoked.";
  if (error instanceof Away) return "The gateway cannot be reached. Try again in a moment.";
  const words = error instanceof Error ? error.message : String(error);
  return words.endsWith(".") ? words : `${words}.`;
}
