// The page that a link which signs in opens. A press has to confirm it: programs that look at the links in mails may run
// scripts, but press no buttons, and any page can lead to a link that signs in someone else.

import type { Given } from "../../fragment.ts";
import { Away } from "../api/api.ts";
import { el } from "../parts/dom.ts";
import { wordsFor } from "./signin.ts";

const ONCE = "This link works once. Afterwards this browser stays signed in until you sign out.";
const OTHER = "You are already signed in. With the link, this browser is signed in as someone else instead, in all its tabs.";

export interface Choices {
  accept: () => Promise<void>;
  decline: () => void;
}

export class LinkSignIn {
  readonly element: HTMLElement;
  readonly title: string;
  private readonly problem = el("p", { class: "problem", role: "alert" });
  private readonly button: HTMLButtonElement;
  private readonly other: HTMLButtonElement;
  private readonly text: HTMLElement;

  constructor(kind: Given["kind"], isSignedIn: boolean, private readonly choices: Choices) {
    this.title = isSignedIn ? "Sign in with this link?" : "Sign in to see your clicks";
    const text = [isSignedIn && OTHER, kind === "sign-in" && ONCE].filter((part) => part !== false);
    const accept = isSignedIn ? "Sign in with the link" : "Sign in";
    this.button = el("button", { class: "primary", type: "button", onclick: () => void this.accept() }, accept);
    const decline = isSignedIn ? "Stay signed in as before" : "Sign in with a token";
    this.other = el("button", { class: "quiet", type: "button", onclick: choices.decline }, decline);
    this.text = el("div", { class: "card" }, ...text.map((part) => el("p", {}, part)));
    const card = el("div", { class: "card" }, this.text, this.problem, this.button, this.other);
    this.element = el("main", { class: "signin" }, el("p", { class: "brand" }, "clickgate"), el("h1", {}, this.title), card);
  }

  focus(): void {
    this.button.focus();
  }

  private async accept(): Promise<void> {
    this.button.disabled = true;
    this.problem.textContent = "";
    try {
      await this.choices.accept();
    } catch (error) {
      this.problem.textContent = wordsFor(error);
      // Whatever is wrong with the link, another try would not help.
      this.text.hidden = this.button.hidden = !(error instanceof Away);
      this.button.disabled = false;
      (this.button.hidden ? this.other : this.button).focus();
    }
  }
}
