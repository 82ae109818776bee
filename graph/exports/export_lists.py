"""The lists that can be exported, with their columns.

Each is a list of the GraphQL API, in its default order. The columns have its names in snake_case.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from db.schema.visit_fields import VISIT_FIELDS
from graph.exports.columns import Column, column
from graph.query.entities import ENTITIES
from graph.query.entity import Entity

MEMBERSHIP = ("program.id", "program.name", "partner.id", "partner.name")
LINK = ("referral_link.id", "referral_link.code")
CUSTOMER = ("customer.id", "customer_key=customer.customer_key", "email_mask=customer.email_mask")
ORIGIN = (*MEMBERSHIP, *LINK, *CUSTOMER)
AMOUNT = ("amount=amount.decimal", "currency=amount.currency")
COMMISSION = (
    "commission.id",
    "commission_amount=commission.amount.decimal",
    "commission_clawed_back=commission.clawed_back.decimal",
    "commission_currency=commission.amount.currency",
    "commission.status",
    "commission.hold_until",
    "commission.rejected_reason",
)


class ExportList(NamedTuple):
    """A list that can be exported: the entity of its rows, and their columns without the cursor."""

    entity: Entity
    columns: Sequence[Column]

    @property
    def order(self) -> str:
        """The name of the list's default order, whose values never change: each row has one place in it."""
        return next(iter(self.entity.orders))


def list_of(entity: str, *columns: str) -> ExportList:
    """Return a list of an entity's rows with these columns, each spelled as `column` takes it."""
    return ExportList(ENTITIES[entity], tuple(map(column, columns)))


def _list(entity: str, *columns: str | Iterable[str]) -> ExportList:
    spelled = [name for each in columns for name in ([each] if isinstance(each, str) else each)]
    return list_of(entity, "id", "database_id", *spelled)


EXPORT_LISTS: Mapping[str, ExportList] = {
    "clicks": _list(
        "ClickEvent",
        *("occurred_at", "click_id", MEMBERSHIP, LINK, "customer.id", "affiliate_url"),
        [field.name for field in VISIT_FIELDS],
    ),
    "links": _list(
        "ReferralLink",
        *("code", "status", "partner_suspended_at", "url", "destination_url", MEMBERSHIP),
        *("clicks", "last_clicked", "lead_count", "sale_count", "revenue", "commission=earnings", "created_at"),
    ),
    "customers": _list(
        "Customer",
        *("click_id", "customer_status", "customer_key", "email_mask", MEMBERSHIP, LINK, "revenue"),
        *("created_at", "last_click_at", "lead_at", "converted_at", "updated_at"),
    ),
    "leads": _list(
        "LeadEvent",
        *("created_at", "confirmed_at", "is_provisional", "event_name", "session_id", "page_url"),
        *(ORIGIN, "click_event.id", COMMISSION, "additional_data"),
    ),
    "sales": _list(
        "Sale",
        *("occurred_at", "created_at", "transaction_id", AMOUNT, "refunded=refunded.decimal"),
        *("sale_type", "is_recurring", "subscription_id", "subscription_interval", "product_id"),
        *(ORIGIN, "click_event.id", COMMISSION, "line_items", "additional_data"),
    ),
    "refunds": _list(
        "Refund",
        *("created_at", "refund_id", "status", "reason", AMOUNT),
        *("clawback=clawback.decimal", "clawback.currency"),
        *("sale.id", "transaction_id=sale.transaction_id", ORIGIN, "commission.id", "payout.id"),
    ),
    "commissions": _list(
        "Commission",
        *("occurred_at", "created_at", AMOUNT, "clawed_back=clawed_back.decimal"),
        *("status", "approval", "hold_until", "approved_at", "rejected_reason"),
        *("sale.id", "transaction_id=sale.transaction_id", "lead_event.id", "event_name=lead_event.event_name"),
        *(ORIGIN, "rule.id", "payout.id", "payout.created_at"),
    ),
    "payouts": _list("Payout", "created_at", "up_to", AMOUNT, "note", MEMBERSHIP),
    "partners": _list("Partner", "name", "email", "created_at"),
    "programs": _list("Program", "name", "domain", "cookie_window_days", "currency", "lead_auth", "created_at"),
}
