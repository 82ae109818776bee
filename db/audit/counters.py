"""Audit queries that compare the counters and last clicks of links, memberships and customers with the events.

The click writer updates them incrementally, and these queries compute them from scratch.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from db.rollups.sums import makes_customer
from db.schema.clicks import ClickEvent
from db.schema.columns import EPOCH, UtcDateTime
from db.schema.customers import Customer
from db.schema.dropped import DroppedClicks
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.sql.functions import microseconds_of

# Two gateways may commit a customer's clicks in a different order than they received them, but not much later.
LATE_MICROSECONDS = 300 * 1_000_000
_last_dropped = select(func.max(DroppedClicks.last_at)).scalar_subquery()


def links() -> Select[*tuple[Any, ...]]:
    """Return the query for links whose counters are wrong: code, counter, number of events, last click as stored and by
    the events."""
    events = _events("link_id")
    link = ReferralLink
    return (
        select(
            link.code,
            link.clicks,
            func.coalesce(events.c.clicks, 0),
            microseconds_of(link.last_clicked),
            microseconds_of(events.c.last),
        )
        .outerjoin(events, events.c.link_id == link.id)
        .where(_differs(link.clicks, link.last_clicked, events))
        .order_by(link.id)
    )


def memberships() -> Select[*tuple[Any, ...]]:
    """Return the query for memberships whose counters are wrong: program, partner, then the same as for links."""
    events = _events("program_id", "partner_id")
    member = PartnerProgram
    return (
        select(
            member.program_id,
            member.partner_id,
            member.clicks,
            func.coalesce(events.c.clicks, 0),
            microseconds_of(member.last_clicked_at),
            microseconds_of(events.c.last),
        )
        .outerjoin(events, and_(events.c.program_id == member.program_id, events.c.partner_id == member.partner_id))
        .where(_differs(member.clicks, member.last_clicked_at, events))
        .order_by(member.program_id, member.partner_id)
    )


def customers() -> Select[*tuple[Any, ...]]:
    """Return the query for inconsistent customers: program, id, number of events, how many of those have a different
    `click_id`, how many created the customer (should be one), how many match the stored last click, the time of that,
    and the time of the last event."""
    customer, event = Customer, ClickEvent
    last = func.max(event.occurred_at)
    is_last = and_(
        event.occurred_at == customer.last_click_at,
        or_(
            customer.bound_at.is_not(None),
            and_(event.link_id == customer.link_id, event.partner_id == customer.partner_id),
        ),
    )
    clicks = func.count(event.id)
    foreign = _number_where(event.click_id != customer.click_id)
    made = _number_where(and_(event.id.is_not(None), makes_customer(event)))
    matching = _number_where(is_last)
    late = microseconds_of(last) > microseconds_of(customer.last_click_at) + LATE_MICROSECONDS
    return (
        select(
            customer.program_id,
            customer.id,
            clicks,
            foreign,
            made,
            matching,
            microseconds_of(customer.last_click_at),
            microseconds_of(last),
        )
        .outerjoin(event, and_(event.program_id == customer.program_id, event.customer_id == customer.id))
        # Of the clicks of earlier ones, some may have been dropped.
        .where(customer.created_at > func.coalesce(_last_dropped, literal(EPOCH, UtcDateTime)))
        .group_by(customer.program_id, customer.id)
        .having(or_(clicks == 0, foreign > 0, made != 1, matching == 0, late))
        .order_by(customer.program_id, customer.id)
    )


def _number_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(case((condition, 1), else_=0)), 0), BigInteger)


def _events(*keys: str) -> Subquery:
    """Count clicks by some of their columns, and find the last one: those that there are, and those that were
    dropped."""
    stored = select(
        *(getattr(ClickEvent, key).label(key) for key in keys),
        func.count().label("clicks"),
        func.max(ClickEvent.occurred_at).label("last"),
    ).group_by(*(getattr(ClickEvent, key) for key in keys))
    dropped = select(*(getattr(DroppedClicks, key) for key in keys), DroppedClicks.clicks, DroppedClicks.last_at)
    every = union_all(stored, dropped).subquery().c
    columns = [every[key] for key in keys]
    clicks = cast(func.sum(every.clicks), BigInteger).label("clicks")
    return select(*columns, clicks, func.max(every.last).label("last")).group_by(*columns).subquery()


def _differs(
    clicks: InstrumentedAttribute[int], last: InstrumentedAttribute[Any], events: Subquery
) -> ColumnElement[bool]:
    return or_(clicks != func.coalesce(events.c.clicks, 0), last.is_distinct_from(events.c.last))
