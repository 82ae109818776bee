"""Combines everything about a click into one statement for a SQLite trigger (`db.engine.sqlite.trigger_batch`).

Used instead of a row for each of the statements that PostgreSQL runs, which would be encoded, decoded and matched with
their triggers one by one. Gains a tenth of the rate of clicks; `docs/performance.md` has the figures. In a transaction
that is already open, SQLite runs the separate statements, too.
"""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Dialect, literal_column, select

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
from db.sql.batch_statements import BatchStatement, combined, fields, with_values

CUSTOMER_OF_EVENT = ("program_id", "customer_id", "click_id", "partner_id", "link_id", "occurred_at", "occurred_at")


def whole_click(dialect: Dialect) -> BatchStatement:
    """Return the statement that records clicks. A row tells whether the customer is new, followed by the `EVENT`."""
    types = {"is_new": Boolean(), **{name: ClickEvent.__table__.c[name].type for name in EVENT}}
    click = fields(types)
    is_new = click["is_new"]
    one: ColumnElement[Any] = literal_column("1")
    customer = select(*(click[name] for name in CUSTOMER_OF_EVENT)).where(is_new)
    program, partner, link, at = (click[name] for name in ("program_id", "partner_id", "link_id", "occurred_at"))
    returned = {"program": program, "row": click["customer_id"], "partner": partner, "link": link, "at": at}
    return combined(
        dialect,
        types,
        (
            INSERT_CUSTOMER.from_select(CUSTOMER, customer, include_defaults=False),
            with_values(RETURN_CUSTOMER.where(~is_new), returned),
            with_values(INSERT_EVENT, {name: click[name] for name in EVENT}),
            with_values(COUNT_LINK, {"row": link, "more": one, "at": at}),
            with_values(COUNT_MEMBERSHIP, {"program": program, "partner": partner, "more": one, "at": at}),
        ),
    )
