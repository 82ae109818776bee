"""The statements of the click path, compiled once for the dialect in use.

Apart from the batch that runs them, so that there the order of things can be read without their SQL.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Case, Dialect, bindparam, case, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from db.columns import UtcDateTime
from db.records import VisitRecord
from db.statements import Statement, Template, compiled
from db.tables import ClickEvent, ClickTestEvent, Customer, PartnerProgram, QueuedClicks, ReferralLink

VISIT = VisitRecord.__struct_fields__


class ClickStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def statement(query: Template, *parameters: str) -> Statement:
            return compiled(dialect, query, parameters)

        found = select(
            ClickEvent.program_id, ClickEvent.event_id, ClickEvent.id, ClickEvent.click_id, ClickEvent.link_id
        )
        found = found.where(ClickEvent.program_id == bindparam("program"))
        self.find_replay = statement(found.where(ClickEvent.event_id == bindparam("event")), "program", "event")
        self.find_event = statement(found.where(ClickEvent.id == bindparam("row")), "program", "row")
        self.find_test_event = statement(select(ClickTestEvent.id).where(ClickTestEvent.id == bindparam("row")), "row")
        self.find_customer = statement(
            select(Customer.program_id, Customer.click_id, Customer.id).where(
                Customer.program_id == bindparam("program"), Customer.id == bindparam("row")
            ),
            *("program", "row"),
        )
        self.insert_event = statement(
            insert(ClickEvent).inline(),
            *("program_id", "id", "link_id", "partner_id", "customer_id", "click_id", "occurred_at", "affiliate_url"),
            *VISIT,
        )
        self.insert_customer = statement(
            insert(Customer).inline(),
            *("program_id", "id", "click_id", "partner_id", "link_id", "created_at", "last_click_at"),
        )
        self.insert_test_event = statement(
            insert(ClickTestEvent).inline(), "id", "program_id", "occurred_at", "affiliate_url", *VISIT
        )
        self.queue_clicks = statement(insert(QueuedClicks).inline(), "program_id", "first_id", "last_id", "clicks")
        self.return_customer = statement(
            update(Customer)
            .where(Customer.program_id == bindparam("program"), Customer.id == bindparam("row"))
            .values(partner_id=bindparam("partner"), link_id=bindparam("link"), last_click_at=bindparam("at")),
            *("program", "row", "partner", "link", "at"),
        )
        more = bindparam("more", type_=BigInteger)
        self.count_link = statement(
            update(ReferralLink)
            .where(ReferralLink.id == bindparam("row"))
            .values(clicks=ReferralLink.clicks + more, last_clicked=_later(ReferralLink.last_clicked)),
            *("row", "more", "at"),
        )
        self.count_membership = statement(
            update(PartnerProgram)
            .where(PartnerProgram.program_id == bindparam("program"), PartnerProgram.partner_id == bindparam("partner"))
            .values(clicks=PartnerProgram.clicks + more, last_clicked_at=_later(PartnerProgram.last_clicked_at)),
            *("program", "partner", "more", "at"),
        )


def _later(column: InstrumentedAttribute[datetime | None]) -> Case[Any]:
    """Two gateways may commit in the other order than they received."""
    moment = bindparam("at", type_=UtcDateTime())
    return case((column > moment, column), else_=moment)
