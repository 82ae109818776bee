// Where somebody says who they are, by pasting a token.

import { forgetToken, keepToken } from "../token.ts";
import { Away, Refused, ask } from "./api.ts";
import { el, freshId } from "./dom.ts";
import { VIEWER, type ViewerData } from "./queries.ts";

// What can stand in an Authorization header; anything else is no token of ours, and a browser would not send it.
const TOKEN = /^[\w.~+/-]+=*$/;

/** Make the form. `why` says what brought the visitor here, `done` is called once a token is good. */
export function signIn(why: string | null, done: (viewer: ViewerData) => void): HTMLElement {
  const [field, hint, trouble] = [freshId(), freshId(), freshId()];
  const input = el("input", {
    id: field,
    name: "token",
    type: "password",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
    "aria-describedby": `${trouble} ${hint}`,
  });
  const problem = el("p", { id: trouble, class: "problem", role: "alert" }, why);
  const button = el("button", { class: "primary", type: "submit" }, "Sign in");
  const tell = (words: string) => {
    problem.textContent = words;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const secret = input.value.trim();
    if (!TOKEN.test(secret)) return tell("This is not a token. It has letters, digits, - and _, and no spaces.");
    button.disabled = true;
    try {
      keepToken(secret);
      done(await ask<ViewerData>(VIEWER));
    } catch (error) {
      forgetToken();
      tell(wordsFor(error));
    } finally {
      button.disabled = false;
    }
  };
  requestAnimationFrame(() => input.focus());
  return el(
    "main",
    { class: "signin" },
    el("p", { class: "brand" }, "clickgate"),
    el("h1", {}, "See your clicks"),
    el(
      "form",
      { onsubmit: submit, novalidate: true },
      el("label", { for: field }, "Token"),
      input,
      problem,
      button,
      el("p", { id: hint, class: "hint" }, "You have it from whoever runs the program. It stays in this tab, until you sign out or close it."),
    ),
  );
}

function wordsFor(error: unknown): string {
  if (error instanceof Refused) return "This token is not accepted. It may be mistyped, expired or revoked.";
  if (error instanceof Away) return "The gateway cannot be reached now. Try again in a moment.";
  return error instanceof Error ? error.message : String(error);
}
