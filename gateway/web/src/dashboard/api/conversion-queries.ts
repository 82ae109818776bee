// The GraphQL operations that list conversions, and the types of their results. What partners may not see is selected
// only for others: customers, line items and the reasons of refunds.

import type { Money, Named, PageInfo } from "./queries.ts";

export const STATUSES = ["PENDING", "APPROVED", "PAID", "REJECTED", "REVERSED"] as const;
export type CommissionStatus = (typeof STATUSES)[number];

/** Where a conversion came from. */
export interface Origin {
  id: string;
  referralLink: { code: string } | null;
  partner: Named | null;
  program: Named;
  /** Not selected for partners. */
  customer?: { customerKey: string | null; emailMask: string | null } | null;
}

export interface CommissionState {
  amount: Money;
  clawedBack: Money;
  status: CommissionStatus;
  approval: "AUTO" | "MANUAL";
  holdUntil: string;
  rejectedReason: string | null;
  payout: { createdAt: string } | null;
}

export interface Sale extends Origin {
  occurredAt: string;
  transactionId: string;
  productId: string | null;
  amount: Money;
  refunded: Money;
  commission: CommissionState | null;
  refunds: { nodes: { amount: Money; createdAt: string }[] };
}

export interface Refund extends Origin {
  createdAt: string;
  amount: Money;
  clawback: Money | null;
  reason?: string | null;
  sale: { transactionId: string };
}

export interface Lead extends Origin {
  createdAt: string;
  eventName: string;
  isProvisional: boolean;
  pageUrl: string | null;
  commission: CommissionState | null;
}

export interface Commission extends Origin, CommissionState {
  occurredAt: string;
  sale: { transactionId: string } | null;
  leadEvent: { eventName: string } | null;
}

/** The result of each operation, whose field is called `list`. */
export interface ListData<Item> {
  list: { nodes: Item[]; pageInfo: PageInfo } | null;
}

const MONEY = "{ amount currency formatted }";
const ORIGIN = `
  id referralLink { code } partner { id name } program { id name }
  customer @include(if: $isOwner) { customerKey emailMask }
`;
const STATE = `
  amount ${MONEY} clawedBack ${MONEY} status approval holdUntil rejectedReason payout { createdAt }
`;

export const SALES = listed(
  "sales",
  "Sale",
  `${ORIGIN} occurredAt transactionId productId amount ${MONEY} refunded ${MONEY} commission { ${STATE} }
  refunds(first: 20) { nodes { amount ${MONEY} createdAt } }`,
);
export const REFUNDS = listed(
  "refunds",
  "Refund",
  `${ORIGIN} createdAt amount ${MONEY} clawback ${MONEY} reason @include(if: $isOwner) sale { transactionId }`,
);
export const LEADS = listed(
  "leads",
  "LeadEvent",
  `${ORIGIN} createdAt eventName isProvisional pageUrl commission { ${STATE} }`,
);
export const COMMISSIONS = listed(
  "commissions",
  "Commission",
  `${ORIGIN} ${STATE} occurredAt sale { transactionId } leadEvent { eventName }`,
);

function listed(field: string, type: string, selection: string): string {
  return `
query Conversions(
  $first: Int, $after: String, $last: Int, $before: String
  $filter: ${type}Filter!, $order: ${type}Order!, $isOwner: Boolean!
) {
  list: ${field}(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    nodes { ${selection} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;
}
