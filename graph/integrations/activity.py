"""What happened in a program within a day, and when each kind of event was last recorded."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.clicks import ClickEvent
from db.schema.conversions import LeadEvent, Sale
from graph.domain.context import Context
from graph.reports import reader
from graph.reports.requests import ReportFilter, ReportRequest

DAY = timedelta(days=1)
# Counting stops here, so that polling never takes long. Clicks are counted from the rollups, whatever their number.
MOST_COUNTED = 1_000_000
# Browsers' leads may all be provisional; only so many of the latest ones are looked at.
LATEST_LEADS = 1000


class DayCounts(Struct, frozen=True):
    """The events of 24 hours. Provisional leads do not count."""

    clicks: int
    leads: int
    sales: int


class LastEvents(Struct, frozen=True):
    """When the latest click, lead and sale happened; None if there is none."""

    click: datetime | None
    lead: datetime | None
    sale: datetime | None


async def count_day(context: Context, program_id: int) -> DayCounts:
    """Count a program's events of the last 24 hours. The viewer must be allowed to see the program. Raises
    `DatabaseAway`."""
    until = context.services.clock()
    since = until - DAY
    report = await reader.read(context, ReportRequest(since, until, filter=ReportFilter(program_ids=(program_id,))))
    leads = select(LeadEvent.id).where(
        LeadEvent.program_id == program_id,
        LeadEvent.created_at >= since,
        LeadEvent.created_at < until,
        LeadEvent.confirmed_at.is_not(None),
    )
    sales = select(Sale.id).where(Sale.program_id == program_id, Sale.occurred_at >= since, Sale.occurred_at < until)
    async with context.services.store.read() as connection:
        counted = await connection.execute(select(counted_rows(leads), counted_rows(sales)))
    return DayCounts(0 if report.totals is None else report.totals.clicks, *counted.one())


def counted_rows(rows: Select[Any]) -> ColumnElement[int]:
    """Return the number of rows, which are counted up to a limit."""
    return select(func.count()).select_from(rows.limit(MOST_COUNTED).subquery()).scalar_subquery()


async def last_events(connection: AsyncConnection, program_id: int) -> LastEvents:
    """Return when a program's latest events happened."""
    click = select(func.max(ClickEvent.occurred_at)).where(ClickEvent.program_id == program_id)
    leads = select(LeadEvent.created_at, LeadEvent.confirmed_at).where(LeadEvent.program_id == program_id)
    latest = leads.order_by(LeadEvent.created_at.desc(), LeadEvent.id.desc()).limit(LATEST_LEADS).subquery()
    lead = select(func.max(latest.c.created_at)).where(latest.c.confirmed_at.is_not(None))
    sale = select(func.max(Sale.occurred_at)).where(Sale.program_id == program_id)
    asked = select(*(part.scalar_subquery() for part in (click, lead, sale)))
    return LastEvents(*(await connection.execute(asked)).one())
