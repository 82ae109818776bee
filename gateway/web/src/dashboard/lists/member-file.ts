// Reads every partner page by page, with what each brought in, for a CSV file. Each amount has a column for each
// currency, so that a spreadsheet can add them up.

import { ask, present } from "../api/api.ts";
import type { Member } from "../api/member-queries.ts";
import { MONEY, type Money } from "../api/queries.ts";
import { Decimal, type Cell } from "../parts/csv.ts";
import type { Asked } from "../view/asked.ts";
import type { Progress } from "./paged-file.ts";

type Figures = Pick<Member, "clicks" | "leadCount" | "saleCount" | "revenue" | "earnings" | "balance" | "lastClickedAt">;

interface Row extends Figures {
  partner: { databaseId: number; name: string; email: string | null };
  program: { name: string };
}

interface RowsData {
  partnerPrograms: {
    nodes: Row[];
    totalCount: number;
    pageInfo: { hasNextPage: boolean; endCursor: string | null };
  } | null;
}

/** The most that the API gives at a time. */
const PAGE = 100;
const AMOUNTS = [["revenue", "revenue"], ["commission", "earnings"], ["to_be_paid", "balance"]] as const;

/** By creation, which does not change while pages are read, the newest first as in the files of other lists. */
const QUERY = `
query PartnersFile($after: String, $filter: PartnerProgramFilter!) {
  partnerPrograms(first: ${PAGE}, after: $after, filter: $filter, orderBy: {field: CREATED_AT, direction: DESC}) {
    nodes {
      partner { databaseId name email } program { name } clicks leadCount saleCount lastClickedAt
      ${AMOUNTS.map(([, field]) => `${field} { ${MONEY} }`).join(" ")}
    }
    totalCount
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Return the lines of the file of all partners that match a filter. */
export async function allMembers(
  filter: Record<string, unknown>,
  { signal }: Pick<Asked, "signal">,
  progress: Progress,
): Promise<Cell[][]> {
  const rows: Row[] = [];
  for (let after: string | null = null, isLast = false; !isLast; ) {
    const data: RowsData = await ask<RowsData>(QUERY, { after, filter }, signal);
    const { nodes, totalCount, pageInfo } = present(data.partnerPrograms);
    rows.push(...nodes);
    progress(rows.length, totalCount);
    after = pageInfo.endCursor;
    isLast = !pageInfo.hasNextPage;
  }
  return table(rows);
}

function table(rows: readonly Row[]): Cell[][] {
  const amounts = AMOUNTS.flatMap(([name, field]) =>
    currenciesOf(rows.flatMap((row) => row[field])).map((currency) => ({ name, field, currency })),
  );
  // Whoever may not read addresses gets none.
  const hasEmails = rows.some(({ partner }) => partner.email !== null);
  const header = [
    ...["partner_id", "partner", ...(hasEmails ? ["email"] : []), "program", "clicks", "leads", "sales"],
    ...amounts.map(({ name, currency }) => `${name}_${currency.toLowerCase()}`),
    "last_clicked_at",
  ];
  const lines = rows.map((row) => [
    ...[row.partner.databaseId, row.partner.name, ...(hasEmails ? [row.partner.email] : []), row.program.name],
    ...[row.clicks, row.leadCount, row.saleCount],
    ...amounts.map(({ field, currency }) => amountIn(row[field], currency)),
    row.lastClickedAt,
  ]);
  return [header, ...lines];
}

function currenciesOf(amounts: readonly Money[]): string[] {
  return [...new Set(amounts.map(({ currency }) => currency))].sort();
}

function amountIn(amounts: readonly Money[], currency: string): Decimal | null {
  const found = amounts.find((each) => each.currency === currency);
  return found ? new Decimal(found.formatted.split(" ")[0]!) : null;
}
