"""Recount the events against every counter: what the writer and the folder keep exact, checked from outside of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from db.rollup_audit import audit_rollups
from db.store import Store
from db.tables import ClickEvent, PartnerProgram, ReferralLink


@dataclass(frozen=True, slots=True)
class Difference:
    """A counter that does not say what the events say. `counter` names it, with its row."""

    counter: str
    counted: int
    events: int
    last_counted: datetime | None
    last_event: datetime | None


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, in one snapshot of which database, and where it differed."""

    database: str
    events: int
    counters: int
    differences: Sequence[Difference]


async def audit(store: Store) -> Audit:
    """Compare every link's and every membership's counter and last click, and the rollups together with what waits to
    be folded, with their events, in one snapshot, while clicks may go on. Reads every event. Raises `DatabaseAway`."""
    async with store.read() as connection:
        events = await connection.scalar(select(func.count()).select_from(ClickEvent)) or 0
        links = await connection.scalar(select(func.count()).select_from(ReferralLink)) or 0
        memberships = await connection.scalar(select(func.count()).select_from(PartnerProgram)) or 0
        differences = [Difference(f"link {code}", *row) for code, *row in await connection.execute(_links())]
        differences += [
            Difference(f"program {program_id}, partner {partner_id}", *row)
            for program_id, partner_id, *row in await connection.execute(_memberships())
        ]
        rollups = await audit_rollups(store, connection)
    differences += [Difference(*difference, None, None) for difference in rollups.differences()]
    return Audit(store.name, events, links + memberships + len(rollups.subjects), differences)


def _links() -> Select[*tuple[Any, ...]]:
    events = _events(ClickEvent.link_id)
    link = ReferralLink
    return (
        select(link.code, link.clicks, func.coalesce(events.c.clicks, 0), link.last_clicked, events.c.last)
        .outerjoin(events, events.c.link_id == link.id)
        .where(_differs(link.clicks, link.last_clicked, events))
        .order_by(link.id)
    )


def _memberships() -> Select[*tuple[Any, ...]]:
    events = _events(ClickEvent.program_id, ClickEvent.partner_id)
    member = PartnerProgram
    return (
        select(
            member.program_id,
            member.partner_id,
            member.clicks,
            func.coalesce(events.c.clicks, 0),
            member.last_clicked_at,
            events.c.last,
        )
        .outerjoin(events, and_(events.c.program_id == member.program_id, events.c.partner_id == member.partner_id))
        .where(_differs(member.clicks, member.last_clicked_at, events))
        .order_by(member.program_id, member.partner_id)
    )


def _events(*keys: InstrumentedAttribute[int]) -> Subquery:
    counted = select(*keys, func.count().label("clicks"), func.max(ClickEvent.occurred_at).label("last"))
    return counted.group_by(*keys).subquery()


def _differs(
    clicks: InstrumentedAttribute[int], last: InstrumentedAttribute[datetime | None], events: Subquery
) -> ColumnElement[bool]:
    return or_(clicks != func.coalesce(events.c.clicks, 0), last.is_distinct_from(events.c.last))
