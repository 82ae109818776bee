// A modal dialog: a heading, its content, and buttons. It gives the focus back to what opened it.

import { el, freshId, type Child } from "../parts/dom.ts";
import { putAbove, refocus } from "../parts/focus.ts";

const UNSAVED = "What you have typed is not saved.";

export interface DialogOptions {
  title: Child;
  /** Wider than forms are. */
  isWide?: boolean;
  /** What the button that closes it says. */
  leave?: string;
}

export class Dialog {
  readonly element: HTMLDialogElement;
  protected readonly heading: HTMLElement;
  protected readonly content = el("div", { class: "dialog-content" });
  protected readonly buttons = el("div", { class: "dialog-buttons" });
  private readonly question: HTMLElement;
  private readonly leaveButton: HTMLButtonElement;
  private opener: HTMLElement | null = null;

  constructor({ title, isWide, leave = "Close" }: DialogOptions) {
    this.heading = el("h2", { id: freshId(), tabindex: "-1" }, title);
    this.leaveButton = el("button", { type: "button", onclick: () => this.leave() }, leave);
    this.buttons.append(this.leaveButton);
    this.question = this.asked();
    this.element = el(
      "dialog",
      { class: isWide ? "wide" : false, "aria-labelledby": this.heading.id, onclose: () => this.closed() },
      ...[this.heading, this.content, this.buttons, this.question],
    );
    const escape = (event: Event) => {
      event.preventDefault();
      this.leave();
    };
    // Browsers close a dialog by the second press of Escape, whatever becomes of the first, so that it must not arrive.
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && escape(event));
    this.element.addEventListener("cancel", escape);
  }

  /** Show the dialog with the focus on its first field, or else on its heading. */
  open(): void {
    this.opener = document.activeElement as HTMLElement | null;
    putAbove(this.element);
    this.element.showModal();
    // A text that is longer than the screen is scrolled with the keyboard, too.
    const isScrolled = this.content.scrollHeight > this.content.clientHeight;
    if (isScrolled && !this.fields().some((field) => field.checkVisibility())) this.content.tabIndex = 0;
    (this.first() ?? this.heading).focus();
  }

  private fields(): Element[] {
    return [...this.content.querySelectorAll("a, button, input, select, textarea")];
  }

  close(): void {
    this.element.close();
  }

  /** Whether something would be lost with the dialog. */
  protected get isUnsaved(): boolean {
    return false;
  }

  protected first(): HTMLElement | null {
    return null;
  }

  /** Close the dialog, unless something would be lost: then ask. */
  protected leave(): void {
    if (!this.isUnsaved) return this.close();
    const isAsked = !this.question.hidden;
    this.question.hidden = isAsked;
    this.buttons.hidden = !isAsked;
    if (isAsked) this.leaveButton.focus();
    else this.question.querySelector("button")!.focus();
  }

  private asked(): HTMLElement {
    const keep = el("button", { type: "button", onclick: () => this.leave() }, "Keep editing");
    const discard = el("button", { type: "button", class: "grave", onclick: () => this.close() }, "Discard");
    return el("div", { class: "dialog-buttons", role: "alert", hidden: true }, el("p", {}, UNSAVED), keep, discard);
  }

  private closed(): void {
    this.element.remove();
    // The list that has the opener may have been drawn anew.
    refocus(this.opener);
  }
}
