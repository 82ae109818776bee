// The operations that list partners and customers, and the types of their results.

import { MONEY, type Money, type Named, type Page } from "./queries.ts";

/** A partner in a program. */
export interface Member {
  program: Named;
  /** The address is null to those who may not read it. */
  partner: Named & { email: string | null };
  /** Since when its links in the program record no clicks. */
  suspendedAt: string | null;
  /** How many links are active. */
  active: { totalCount: number };
  clicks: number;
  leadCount: number;
  saleCount: number;
  revenue: Money[];
  earnings: Money[];
  balance: Money[];
  lastClickedAt: string | null;
}

export interface MembersData {
  partnerPrograms: Page<Member> | null;
}

export interface Customer {
  id: string;
  databaseId: number;
  customerStatus: "click" | "lead" | "conversion";
  customerKey: string | null;
  emailMask: string | null;
  createdAt: string;
  lastClickAt: string;
  revenue: Money[];
  program: Named;
  partner: Named;
  referralLink: { code: string } | null;
}

export interface CustomersData {
  customers: Page<Customer> | null;
}

const PAGING = "first: $first, after: $after, last: $last, before: $before";
const PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount";

export const MEMBERS = `
query Partners(
  $first: Int, $after: String, $last: Int, $before: String
  $filter: PartnerProgramFilter!, $order: PartnerProgramOrder!
) {
  partnerPrograms(${PAGING}, filter: $filter, orderBy: $order) {
    nodes {
      program { id name } partner { id name email } clicks leadCount saleCount lastClickedAt suspendedAt
      active: referralLinks(first: 1, filter: {status: ACTIVE}) { totalCount }
      revenue { ${MONEY} } earnings { ${MONEY} } balance { ${MONEY} }
    }
    ${PAGE_INFO}
  }
}`;

export const CUSTOMERS = `
query Customers(
  $first: Int, $after: String, $last: Int, $before: String, $filter: CustomerFilter!, $order: CustomerOrder!
) {
  customers(${PAGING}, filter: $filter, orderBy: $order) {
    nodes {
      id databaseId customerStatus customerKey emailMask createdAt lastClickAt revenue { ${MONEY} }
      program { id name } partner { id name } referralLink { code }
    }
    ${PAGE_INFO}
  }
}`;
