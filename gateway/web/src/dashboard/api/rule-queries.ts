// The operation that lists commission rules, and the types of its result.

import { MONEY, type Money, type Named, type Page } from "./queries.ts";

export interface Rule {
  id: string;
  event: "SALE" | "LEAD";
  kind: "PERCENT" | "FIXED";
  basisPoints: number | null;
  amount: Money | null;
  durationMonths: number | null;
  holdDays: number;
  approval: "AUTO" | "MANUAL";
  productId: string | null;
  effectiveFrom: string;
  effectiveTo: string | null;
  partner: Named | null;
  program: Named;
}

export interface RulesData {
  commissionRules: Page<Rule> | null;
}

export const RULE = `
  id event kind basisPoints amount { ${MONEY} } durationMonths holdDays approval productId effectiveFrom effectiveTo
  partner { id name } program { id name }
`;

export const RULES = `
query Rules($first: Int, $after: String, $last: Int, $before: String, $filter: CommissionRuleFilter!) {
  commissionRules(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    nodes { ${RULE} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount
  }
}`;
