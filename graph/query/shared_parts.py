"""The references, filters, orders and attributes that entities share."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import json
from sqlalchemy import ColumnElement, and_, func

from graph.query.conditions import equals
from graph.query.entity import Attribute, Filter, MappedRow, Order, OrderPartition, Reference


def columns(*names: str) -> Callable[[MappedRow], Sequence[ColumnElement[Any]]]:
    """Return the function that takes columns of a row."""
    return lambda row: [getattr(row, name) for name in names]


def upper(column: str) -> Attribute:
    """Return the attribute of an enum, which is stored in lower case."""
    return Attribute(columns(column), lambda word: None if word is None else word.upper())


def json_value(column: str) -> Attribute:
    """Return the attribute of a JSON value, which is stored as text."""
    return Attribute(columns(column), lambda text: None if text is None else json.decode(text))


TO_PROGRAM = Reference("Program", lambda here, there: there.id == here.program_id)
TO_PARTNER = Reference("Partner", lambda here, there: there.id == here.partner_id)
TO_LINK = Reference("ReferralLink", lambda here, there: there.id == here.link_id)
TO_CUSTOMER = Reference(
    "Customer", lambda here, there: and_(there.program_id == here.program_id, there.id == here.customer_id)
)
OF_CUSTOMER = Filter(
    lambda row, program_id, key: and_(row.program_id == program_id, row.customer_id == key), "Customer"
)
IN_PROGRAM = equals("program_id", "Program")
OF_PARTNER = equals("partner_id", "Partner")
OF_LINK = equals("link_id", "ReferralLink")
BY_CREATION = Order(columns("created_at", "id"), ("moment", "number"))
BY_OCCURRENCE = Order(columns("occurred_at", "id"), ("moment", "number"))
MEMBERSHIP = {"program_id": "program_id", "partner_id": "partner_id"}


def updated_at(customer: MappedRow) -> ColumnElement[Any]:
    """Return when a customer last changed, or was created."""
    return func.coalesce(customer.updated_at, customer.created_at)


BY_UPDATE = Order(
    lambda row: [updated_at(row), row.id],
    ("moment", "number"),
    horizon="moment",
    partitions=(
        OrderPartition(lambda row: row.updated_at.is_(None), columns("created_at", "id")),
        OrderPartition(lambda row: row.updated_at.is_not(None), columns("updated_at", "id")),
    ),
)
