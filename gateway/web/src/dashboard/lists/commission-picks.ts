// The commissions that are checked in their list, and the buttons for what is done with all of them.

import type { Commission, CommissionStatus } from "../api/conversion-queries.ts";
import { demanding } from "../parts/code.ts";
import { worth } from "../parts/commission-states.ts";
import { el, freshId, unseen } from "../parts/dom.ts";
import { number } from "../parts/format.ts";
import type { Desk } from "../view/section.ts";

/** What can still be rejected; of it, what is pending can be approved. */
const OPEN: readonly CommissionStatus[] = ["PENDING", "APPROVED"];
const review = () => import("../forms/commission-review.ts");

export class CommissionPicks {
  readonly element: HTMLElement;
  private shown: readonly Commission[] = [];
  private readonly picked = new Set<string>();
  private readonly boxes = new Map<string, HTMLInputElement>();
  private readonly all = el("input", { type: "checkbox", class: "pick", id: freshId(), "data-focus": "pick all" });
  private readonly words = el("p", { role: "status" });
  private readonly approve = el("button", { type: "button", "data-focus": "approve" });
  private readonly reject = el("button", { type: "button", "data-focus": "reject" });

  constructor(desk: Desk) {
    const settled = () => {
      this.picked.clear();
      this.tell();
    };
    this.all.addEventListener("change", () => this.pickAll(this.all.checked));
    this.approve.onclick = demanding(review, ({ approve }) => approve(desk, this.chosen("PENDING"), settled), desk.fail);
    this.reject.onclick = demanding(review, ({ reject }) => reject(desk, this.chosen(...OPEN), settled), desk.fail);
    const label = el("label", { for: this.all.id }, "All on this page");
    this.element = el("div", { class: "picks", hidden: true }, this.all, label, this.words, this.approve, this.reject);
  }

  /** Take note of what the list shows; null if it is no list of commissions. What is gone is no longer checked. */
  show(commissions: readonly Commission[] | null): void {
    this.shown = (commissions ?? []).filter(({ status }) => OPEN.includes(status));
    for (const id of this.picked) if (!this.shown.some((each) => each.id === id)) this.picked.delete(id);
    this.boxes.clear();
    this.element.hidden = !this.shown.length;
  }

  /** Create the box of a commission, or nothing if it is settled. */
  box(commission: Commission): HTMLElement | null {
    const { id, amount, partner } = commission;
    if (!this.shown.includes(commission)) return null;
    const what = unseen(`Select ${amount.formatted} of ${partner?.name ?? ""}`);
    const box = el("input", { type: "checkbox", class: "pick", "data-focus": `pick ${id}` });
    box.checked = this.picked.has(id);
    box.addEventListener("change", () => {
      if (box.checked) this.picked.add(id);
      else this.picked.delete(id);
      this.tell();
    });
    this.boxes.set(id, box);
    return el("label", {}, box, what);
  }

  /** Show what is checked. */
  tell(): void {
    for (const [id, box] of this.boxes) box.checked = this.picked.has(id);
    const [pending, open] = [this.chosen("PENDING"), this.chosen(...OPEN)];
    this.all.checked = open.length > 0 && open.length === this.shown.length;
    this.all.indeterminate = open.length > 0 && !this.all.checked;
    this.words.textContent = open.length ? `${number(open.length)} selected: ${worth(open)}` : "";
    this.approve.textContent = pending.length ? `Approve ${number(pending.length)}` : "Approve";
    this.reject.textContent = open.length ? `Reject ${number(open.length)}` : "Reject";
    this.approve.disabled = !pending.length;
    this.reject.disabled = !open.length;
  }

  private pickAll(isPicked: boolean): void {
    this.picked.clear();
    if (isPicked) for (const { id } of this.shown) this.picked.add(id);
    this.tell();
  }

  private chosen(...statuses: CommissionStatus[]): Commission[] {
    return this.shown.filter(({ id, status }) => this.picked.has(id) && statuses.includes(status));
  }
}
