// The operations that list payouts and what is to be paid, and the types of their results.

import { MONEY, type Money, type Named, type Page } from "./queries.ts";

export interface Payout {
  id: string;
  amount: Money;
  note: string | null;
  createdAt: string;
  partner: Named;
  program: Named;
}

/** What a partner has earned in a program and can be paid. */
export interface Owed {
  program: Named;
  /** The address is null to those who may not read it. */
  partner: Named & { databaseId: number; email: string | null };
  balance: Money[];
}

export interface PayoutsData {
  payouts: Page<Payout> | null;
}

export interface OwedData {
  partnerPrograms: Page<Owed> | null;
}

const POSITION = "$first: Int, $after: String, $last: Int, $before: String";
const PAGING = "first: $first, after: $after, last: $last, before: $before";
const PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount";

export const PAYOUTS = `
query Payouts(${POSITION}, $filter: PayoutFilter!) {
  payouts(${PAGING}, filter: $filter) {
    nodes { id amount { ${MONEY} } note createdAt partner { id name } program { id name } }
    ${PAGE_INFO}
  }
}`;

export const OWED = `
query Owed(${POSITION}, $filter: PartnerProgramFilter!) {
  partnerPrograms(${PAGING}, filter: $filter, orderBy: {field: NAME, direction: ASC}) {
    nodes { program { id name } partner { id databaseId name email } balance { ${MONEY} } }
    ${PAGE_INFO}
  }
}`;
