"""Combines everything about a click into one statement for a SQLite trigger (`db.engine.sqlite.trigger_batch`).

Used instead of a row for each of the statements that PostgreSQL runs, which would be encoded, decoded and matched with
their triggers one by one. Gains a tenth of the rate of clicks; `docs/performance.md` has the figures. In a transaction
that is already open, SQLite runs the separate statements, too.
"""

from typing import Any

from sqlalchemy import ColumnElement, Dialect, literal_column

from db.ingest.clicks.statements import (
    COUNT_LINK,
    COUNT_MEMBERSHIP,
    CUSTOMER,
    EVENT,
    INSERT_CUSTOMER,
    INSERT_EVENT,
    RETURN_CUSTOMER,
)
from db.schema.clicks import ClickEvent
from db.sql.batch_statements import BatchStatement, Template, combined, fields, with_values

CUSTOMER_OF_EVENT = ("program_id", "customer_id", "click_id", "partner_id", "link_id", "occurred_at", "occurred_at")
RETURNED = {
    "program": "program_id",
    "row": "customer_id",
    "partner": "partner_id",
    "link": "link_id",
    "at": "occurred_at",
}
"""By parameter of `RETURN_CUSTOMER`, the column of an event."""
EVENT_TYPES = {name: ClickEvent.__table__.c[name].type for name in EVENT}


def first_click(dialect: Dialect) -> BatchStatement:
    """Return the statement that records clicks of new customers. A row is an `EVENT`."""
    click = fields(EVENT_TYPES)
    values = dict(zip(CUSTOMER, (click[name] for name in CUSTOMER_OF_EVENT), strict=True))
    return _with_customer(dialect, with_values(INSERT_CUSTOMER, values))


def later_click(dialect: Dialect) -> BatchStatement:
    """Return the statement that records clicks of customers who return. A row is an `EVENT`."""
    click = fields(EVENT_TYPES)
    values = {parameter: click[name] for parameter, name in RETURNED.items()}
    return _with_customer(dialect, with_values(RETURN_CUSTOMER, values))


def _with_customer(dialect: Dialect, customer: Template) -> BatchStatement:
    click = fields(EVENT_TYPES)
    program, partner, link, at = (click[name] for name in ("program_id", "partner_id", "link_id", "occurred_at"))
    one: ColumnElement[Any] = literal_column("1")
    return combined(
        dialect,
        EVENT_TYPES,
        (
            customer,
            with_values(INSERT_EVENT, {name: click[name] for name in EVENT}),
            with_values(COUNT_LINK, {"row": link, "more": one, "at": at}),
            with_values(COUNT_MEMBERSHIP, {"program": program, "partner": partner, "more": one, "at": at}),
        ),
    )
