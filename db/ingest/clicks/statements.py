"""The statements of the click path, compiled once for the dialect in use.

Apart from the batch that runs them, so that there the order of things can be read without their SQL.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Case,
    Dialect,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute

from db.ingest.clicks.records import VisitRecord
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.columns import UtcDateTime
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import PartnerProgram
from db.sql.batch_statements import BatchStatement, Template, compiled

VISIT = VisitRecord.__struct_fields__
EVENT = (
    *("program_id", "id", "link_id", "partner_id", "customer_id", "click_id", "occurred_at", "affiliate_url"),
    *VISIT,
)
CUSTOMER = ("program_id", "id", "click_id", "partner_id", "link_id", "created_at", "last_click_at")


def _later(column: InstrumentedAttribute[datetime | None]) -> Case[Any]:
    """Two gateways may commit in the other order than they received."""
    moment = bindparam("at", type_=UtcDateTime())
    return case((column > moment, column), else_=moment)


def _updated_at() -> Case[Any]:
    """Return when a customer changed who comes back now. It moves forward, so that who pages along it sees the change
    as well."""
    moment = bindparam("at", type_=UtcDateTime())
    before = func.coalesce(Customer.updated_at, Customer.created_at)
    return case((before > moment, before), else_=moment)


def _unless_bound(column: InstrumentedAttribute[int], name: str) -> Case[Any]:
    """A conversion has bound the customer to its partner and link."""
    return case((Customer.bound_at.is_(None), bindparam(name, type_=BigInteger)), else_=column)


_more = bindparam("more", type_=BigInteger)
INSERT_EVENT = insert(ClickEvent).inline()
INSERT_CUSTOMER = insert(Customer).inline()
# The latest click decides whose the customer is, even if an earlier one is committed after it.
RETURN_CUSTOMER = (
    update(Customer)
    .where(
        Customer.program_id == bindparam("program"),
        Customer.id == bindparam("row"),
        Customer.last_click_at <= bindparam("at", type_=UtcDateTime()),
    )
    .values(
        partner_id=_unless_bound(Customer.partner_id, "partner"),
        link_id=_unless_bound(Customer.link_id, "link"),
        last_click_at=bindparam("at"),
        updated_at=_updated_at(),
    )
)
COUNT_LINK = (
    update(ReferralLink)
    .where(ReferralLink.id == bindparam("row"))
    .values(clicks=ReferralLink.clicks + _more, last_clicked=_later(ReferralLink.last_clicked))
)
COUNT_MEMBERSHIP = (
    update(PartnerProgram)
    .where(PartnerProgram.program_id == bindparam("program"), PartnerProgram.partner_id == bindparam("partner"))
    .values(clicks=PartnerProgram.clicks + _more, last_clicked_at=_later(PartnerProgram.last_clicked_at))
)


class ClickStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def statement(query: Template, *parameters: str) -> BatchStatement:
            return compiled(dialect, query, parameters)

        found = select(
            ClickEvent.program_id, ClickEvent.event_id, ClickEvent.id, ClickEvent.click_id, ClickEvent.link_id
        )
        found = found.where(ClickEvent.program_id == bindparam("program"))
        self.find_replay = statement(found.where(ClickEvent.event_id == bindparam("event")), "program", "event")
        self.find_event = statement(found.where(ClickEvent.id == bindparam("row")), "program", "row")
        self.find_customer = statement(
            select(Customer.program_id, Customer.click_id, Customer.id).where(
                Customer.program_id == bindparam("program"), Customer.id == bindparam("row")
            ),
            *("program", "row"),
        )
        self.insert_event = statement(INSERT_EVENT, *EVENT)
        self.insert_customer = statement(INSERT_CUSTOMER, *CUSTOMER)
        self.return_customer = statement(RETURN_CUSTOMER, "program", "row", "partner", "link", "at")
        self.count_link = statement(COUNT_LINK, "row", "more", "at")
        self.count_membership = statement(COUNT_MEMBERSHIP, "program", "partner", "more", "at")
        self.append_range = statement(
            insert(OutboxRange).inline(), "kind", "program_id", "first_id", "last_id", "events"
        )


class TestClickStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        self.find = compiled(dialect, select(ClickTestEvent.id).where(ClickTestEvent.id == bindparam("row")), ("row",))
        columns = ("id", "program_id", "occurred_at", "affiliate_url", *VISIT)
        self.insert = compiled(dialect, insert(ClickTestEvent).inline(), columns)
