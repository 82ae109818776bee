// The lists of conversions: how each is read, filtered, and shown as columns.

import {
  COMMISSIONS,
  LEADS,
  REFUNDS,
  SALES,
  type Commission,
  type CommissionState,
  type Lead,
  type Origin,
  type Refund,
  type Sale,
} from "../api/conversion-queries.ts";
import { stateOf, takenOff } from "../parts/commission-states.ts";
import { capitalised, day, place } from "../parts/format.ts";
import { HAPPENED_SORTS, RECORDED_SORTS, type Sortings } from "../view/list-sorts.ts";
import type { Span } from "../view/spans.ts";
import type { List, View } from "../view/view.ts";
import { CONVERSIONS, listFilter } from "./list-filters.ts";

export interface Cell {
  text: string | null | undefined;
  /** A second line. */
  note?: string | null;
  /** More than the text says; otherwise its full length, if the cell shortens it. */
  title?: string | null;
  /** The text is wrapped rather than shortened. */
  isWhole?: boolean;
}

export interface Column<Item> {
  name: string;
  cell: (item: Item, zone: string) => Cell;
  isNumber?: boolean;
  /** Only for those who may see customers. */
  isOwners?: boolean;
}

export interface Kind<Item> {
  /** Its name, as in `Sales` and `No sales in this period.` */
  title: string;
  query: string;
  at: (item: Item) => string;
  /** By that time. */
  sorts: Sortings;
  filter: (view: View, span: Span) => Record<string, unknown>;
  columns: readonly Column<Item>[];
}

const ORDER = { name: "Order", cell: (sale: Sale) => ({ text: sale.transactionId, note: sale.productId }) };
const AMOUNT = "Amount";

const SALE_LIST: Kind<Sale> = {
  title: "Sales",
  query: SALES,
  at: (sale) => sale.occurredAt,
  sorts: HAPPENED_SORTS,
  // Whoever knows an order's id looks for that order, whenever it was placed.
  filter: (view, span) => (view.search ? { ...confined(view), transactionId: view.search } : happened(view, span)),
  columns: [
    ORDER,
    customer(),
    { name: AMOUNT, isNumber: true, cell: (sale, zone) => ({ text: sale.amount.formatted, ...refundsOf(sale, zone) }) },
    { name: "Commission", cell: ({ commission }, zone) => earned(commission, zone) },
  ],
};

const REFUND_LIST: Kind<Refund> = {
  title: "Refunds",
  query: REFUNDS,
  at: (refund) => refund.createdAt,
  sorts: RECORDED_SORTS,
  filter: recorded,
  columns: [
    { name: "Order", cell: (refund) => ({ text: refund.sale.transactionId }) },
    customer(),
    { name: "Reason", isOwners: true, cell: (refund) => ({ text: refund.reason, isWhole: true }) },
    { name: AMOUNT, isNumber: true, cell: (refund) => ({ text: refund.amount.formatted }) },
    { name: "Off the commission", isNumber: true, cell: (refund) => ({ text: refund.clawback?.formatted }) },
  ],
};

const LEAD_LIST: Kind<Lead> = {
  title: "Leads",
  query: LEADS,
  at: (lead) => lead.createdAt,
  sorts: RECORDED_SORTS,
  filter: recorded,
  columns: [
    { name: "Event", cell: (lead) => ({ text: lead.eventName, note: lead.isProvisional ? "Not confirmed yet" : null }) },
    customer(),
    { name: "Page", cell: (lead) => ({ text: lead.pageUrl && place(lead.pageUrl), title: lead.pageUrl }) },
    { name: "Commission", cell: ({ commission }, zone) => earned(commission, zone) },
  ],
};

const COMMISSION_LIST: Kind<Commission> = {
  title: "Commissions",
  query: COMMISSIONS,
  at: (commission) => commission.occurredAt,
  sorts: HAPPENED_SORTS,
  filter: (view, span) => ({ ...happened(view, span), status: view.status }),
  columns: [
    { name: "For", cell: forWhat },
    customer(),
    { name: AMOUNT, isNumber: true, cell: (each) => ({ text: each.amount.formatted, note: takenOff(each) }) },
    { name: "Status", cell: (each, zone) => ({ text: stateOf(each, zone), isWhole: true }) },
  ],
};

/** Each list is given its own items only, which the types of its functions cannot say here. */
export const LISTS = {
  sales: SALE_LIST,
  refunds: REFUND_LIST,
  leads: LEAD_LIST,
  commissions: COMMISSION_LIST,
} as unknown as Record<List, Kind<Origin>>;

/** What a customer is called: the merchant's own id, or the masked e-mail address. */
function customerOf({ customer }: Origin): string | null {
  return customer?.customerKey ?? customer?.emailMask ?? null;
}

function customer(): Column<Origin> {
  return {
    name: "Customer",
    isOwners: true,
    cell: (origin) => ({ text: customerOf(origin), note: origin.customer?.customerKey ? origin.customer.emailMask : null }),
  };
}

function earned(commission: CommissionState | null, zone: string): Cell {
  if (!commission) return { text: null };
  const state = stateOf(commission, zone);
  const less = takenOff(commission);
  return { text: commission.amount.formatted, note: less ? `${state}, ${less}` : state };
}

function forWhat({ sale, leadEvent }: Commission): Cell {
  return { text: sale?.transactionId ?? leadEvent?.eventName, note: sale ? "Sale" : "Lead" };
}

function refundsOf({ refunded, refunds }: Sale, zone: string): Partial<Cell> {
  if (refunded.amount === 0) return {};
  const each = refunds.nodes.map((refund) => `${refund.amount.formatted} on ${day(refund.createdAt, zone)}`);
  return { note: `${refunded.formatted} refunded`, title: capitalised(`refunded ${each.join(", ")}`) };
}

function happened(view: View, span: Span): Record<string, unknown> {
  return { ...confined(view), occurredFrom: span.from, occurredTo: span.to };
}

function recorded(view: View, span: Span): Record<string, unknown> {
  return { ...confined(view), createdFrom: span.from, createdTo: span.to };
}

function confined({ filters }: View): Record<string, unknown> {
  return listFilter(filters, CONVERSIONS);
}
