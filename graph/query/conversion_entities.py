"""The entities of what follows a click: leads, sales and refunds."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, select
from sqlalchemy.orm import aliased

from db.schema.commissions import Commission
from db.schema.conversions import LeadEvent, Refund, Sale
from graph.query.amounts import money
from graph.query.conditions import by_key, equals, since, until
from graph.query.entity import Attribute, Children, Entity, Filter, MappedRow, Order, Reference
from graph.query.shared_parts import (
    BY_CREATION,
    BY_OCCURRENCE,
    IN_PROGRAM,
    OF_CUSTOMER,
    OF_LINK,
    OF_PARTNER,
    TO_CUSTOMER,
    TO_LINK,
    TO_PARTNER,
    TO_PROGRAM,
    columns,
    json_value,
    upper,
)

BY_ID = Order(columns("id", "program_id"), ("number", "number"))
TO_ALL = {"program": TO_PROGRAM, "partner": TO_PARTNER, "referral_link": TO_LINK, "customer": TO_CUSTOMER}
OF_ALL = {
    "program_id": IN_PROGRAM,
    "partner_id": OF_PARTNER,
    "referral_link_id": OF_LINK,
    "customer_id": OF_CUSTOMER,
}
CREATED = {"created_from": since("created_at"), "created_to": until("created_at")}
OCCURRED = {"occurred_from": since("occurred_at"), "occurred_to": until("occurred_at")}


def in_program(entity: str, column: str) -> Reference:
    """Return the reference to a row of the same program, whose id is in a column."""
    return Reference(
        entity, lambda here, there: and_(there.program_id == here.program_id, there.id == getattr(here, column))
    )


def of_row(entity: str, column: str) -> Filter:
    """Return the filter by a row of the same program, whose id is in a column."""
    return Filter(lambda row, program_id, key: and_(row.program_id == program_id, getattr(row, column) == key), entity)


def conversions(keys: Mapping[str, str]) -> dict[str, Children]:
    """Return the lists of conversions that refer to a row by these keys."""
    kinds = {"leads": "LeadEvent", "sales": "Sale", "refunds": "Refund", "commissions": "Commission"}
    return {name: Children(entity, keys) for name, entity in kinds.items()}


def amount(column: str) -> Attribute:
    """Return the attribute of an amount in the row's currency."""
    return Attribute(columns(column, "currency"), money)


def _clawback(refund: MappedRow) -> Sequence[ColumnElement[Any]]:
    commission = aliased(Commission)
    # Needs no scope of its own: a viewer who may see a refund may also see its sale's commission.
    currency = select(commission.currency).where(
        commission.program_id == refund.program_id, commission.id == refund.commission_id
    )
    return [refund.clawback, currency.scalar_subquery()]


CONVERSION_ENTITIES = (
    Entity(
        name="LeadEvent",
        table=LeadEvent,
        attributes={
            "is_provisional": Attribute(lambda row: [row.confirmed_at.is_(None)], bool),
            "additional_data": json_value("additional_data"),
        },
        references={
            **TO_ALL,
            "click_event": in_program("ClickEvent", "click_event_id"),
            "commission": Reference(
                "Commission", lambda here, there: and_(there.program_id == here.program_id, there.lead_id == here.id)
            ),
        },
        orders={"created_at": BY_CREATION, "id": BY_ID},
        filters={
            **OF_ALL,
            "event_name": equals("event_name"),
            "is_provisional": Filter(lambda row, value: case((row.confirmed_at.is_(None), True), else_=False) == value),
            **CREATED,
        },
        lookups={"key": by_key("program_id", "id")},
        is_large=True,
    ),
    Entity(
        name="Sale",
        table=Sale,
        attributes={
            "amount": amount("amount"),
            "refunded": amount("refunded"),
            "sale_type": upper("sale_type"),
            "subscription_interval": upper("subscription_interval"),
            "line_items": json_value("line_items"),
            "additional_data": json_value("additional_data"),
        },
        references={
            **TO_ALL,
            "click_event": in_program("ClickEvent", "click_event_id"),
            "commission": Reference(
                "Commission", lambda here, there: and_(there.program_id == here.program_id, there.sale_id == here.id)
            ),
        },
        children={"refunds": Children("Refund", {"program_id": "program_id", "sale_id": "id"})},
        orders={"occurred_at": BY_OCCURRENCE, "id": BY_ID},
        filters={
            **OF_ALL,
            "transaction_id": equals("transaction_id"),
            "product_id": equals("product_id"),
            "subscription_id": equals("subscription_id"),
            "sale_type": equals("sale_type"),
            "currency": equals("currency", spell=str.upper),
            **OCCURRED,
        },
        lookups={"key": by_key("program_id", "id")},
        is_large=True,
    ),
    Entity(
        name="Refund",
        table=Refund,
        attributes={
            "amount": amount("amount"),
            "clawback": Attribute(_clawback, money),
            "status": upper("status"),
        },
        references={
            **TO_ALL,
            "sale": in_program("Sale", "sale_id"),
            "commission": in_program("Commission", "commission_id"),
            "payout": Reference("Payout", lambda here, there: there.id == here.payout_id),
        },
        orders={"created_at": BY_CREATION, "id": BY_ID},
        filters={**OF_ALL, "sale_id": of_row("Sale", "sale_id"), "status": equals("status"), **CREATED},
        lookups={"key": by_key("program_id", "id")},
        is_large=True,
    ),
)
