// The state of a commission in plain words, and what commissions are worth.

import type { Commission, CommissionState, CommissionStatus } from "../api/conversion-queries.ts";
import { day } from "./format.ts";
import { sums } from "./money.ts";

export const STATUS_WORDS: Record<CommissionStatus, string> = {
  PENDING: "Pending",
  APPROVED: "Approved",
  PAID: "Paid",
  REJECTED: "Rejected",
  REVERSED: "Reversed",
};

/** Return the state, such as `Pending until 3 Dec 2026`. */
export function stateOf({ status, approval, holdUntil, rejectedReason, payout }: CommissionState, zone: string): string {
  const word = STATUS_WORDS[status];
  if (status === "PENDING") return approval === "MANUAL" ? "Pending approval" : `${word} until ${day(holdUntil, zone)}`;
  if (status === "PAID" && payout) return `${word} on ${day(payout.createdAt, zone)}`;
  if (status === "REJECTED" && rejectedReason) return `${word}: ${rejectedReason}`;
  return status === "REVERSED" ? `${word} by refunds` : word;
}

/** Return what refunds took off the commission, such as `5.00 EUR taken off by refunds`; null if nothing. */
export function takenOff({ clawedBack }: CommissionState): string | null {
  return clawedBack.amount > 0 ? `${clawedBack.formatted} taken off by refunds` : null;
}

/** Return the sums of commissions, less what refunds took off them. */
export function worth(commissions: readonly Commission[]): string {
  const left = commissions.map(({ amount, clawedBack }) => ({ ...amount, amount: amount.amount - clawedBack.amount }));
  return sums(left).join(", ");
}
