"""Programs, partners and links with clicks at chosen times, and counts of these clicks in plain Python, computed
independently of the reports."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from msgspec import structs
from msgspec.structs import replace
from sqlalchemy import delete, select, update

from db.engine.store import Store
from db.ingest.clicks.records import Click, Receipt, VisitRecord
from db.outbox.consumer import Consumer
from db.outbox.consumers import add_consumer
from db.outbox.runner import ConsumerRunner
from db.rollups.aggregator import RollupAggregator
from db.schema.clicks import ClickEvent
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxHistory, OutboxRange
from db.schema.partners import PartnerProgram
from db.schema.rollups import ClickRollup
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import DIMENSIONS
from gateway.configuration.settings import PREFIX, Settings
from gateway.consumers import consumers
from gateway.services import offline_services
from graph.domain import links, partners, programs
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.domain.scope import Viewer
from graph.reports import reader
from graph.reports.dimensions import Dimension
from graph.reports.requests import ClickReport, Counts, ReportFilter, ReportRequest, Top
from tests.support.committers import make_committer

ADMIN = Viewer("admin")
# Program and partner of each link, whose id is its position, starting from 1.
LINKS = ((1, 1), (1, 1), (1, 2), (2, 1), (2, 3))

Event = Mapping[str, Any]


class World:
    """Two programs, three partners and five links, in the database `store`."""

    def __init__(self, context: Context, stack: AsyncExitStack) -> None:
        self.context = context
        self.store = context.services.store
        self.committer = make_committer(self.store)
        self._stack = stack

    @classmethod
    async def make(cls, database_url: str) -> "World":
        stack = AsyncExitStack()
        # However busy the machine is.
        with patch.dict(os.environ, {PREFIX + "DATABASE_URL": database_url, PREFIX + "REPORT_SECONDS": "120"}):
            context = Context(await stack.enter_async_context(offline_services(Settings())), viewer=ADMINISTRATOR)
        for number in (1, 2):
            await programs.create(context, programs.NewProgram(name=f"Program {number}"))
        for number in (1, 2, 3):
            await partners.create(context, name=f"Partner {number}")
        for number, (program_id, partner_id) in enumerate(LINKS, 1):
            await partners.join(context, partner_id=partner_id, program_id=program_id)
            await links.create(context, links.NewLink(code=f"L{number}", program_id=program_id, partner_id=partner_id))
        for consumer in consumers(context.services.store):
            await add_consumer(context.services.store, consumer)
        return cls(context, stack)

    async def close(self) -> None:
        await self.committer.disconnect()
        await self._stack.aclose()

    async def forget(self) -> None:
        """Delete all clicks and everything derived from them."""
        async with self.store.write() as connection:
            derived = (ReportSegment, ReportSegmentTotal, ClickRollup, OutboxHistory, OutboxRange)
            for table in (*derived, ClickEvent, Customer):
                await connection.execute(delete(table))
            await connection.execute(update(ReferralLink).values(clicks=0, last_clicked=None))
            await connection.execute(update(PartnerProgram).values(clicks=0, last_clicked_at=None))

    async def click(self, *clicks: Click) -> Sequence[Receipt]:
        """Record clicks in one transaction."""
        return [receipt for receipt in await self.committer.commit(clicks) if isinstance(receipt, Receipt)]

    def aggregation(self, store: Store | None = None, *, portion_events: int = 1000) -> ConsumerRunner:
        return aggregation(store or self.store, portion_events=portion_events)

    def runner(self, consumer: Consumer, *, portion_events: int = 1000) -> ConsumerRunner:
        """Return what runs a consumer."""
        return ConsumerRunner(self.store, consumer, clock=lambda: datetime.now(UTC), portion_events=portion_events)

    async def aggregate(self) -> None:
        """Add all clicks to the rollups."""
        runner = self.aggregation()
        await runner.run_all()
        await runner.close()

    async def events(self) -> Sequence[Event]:
        async with self.store.read() as connection:
            return [row._asdict() for row in await connection.execute(select(ClickEvent.__table__))]

    async def report(self, request: ReportRequest, viewer: Viewer = ADMIN) -> ClickReport:
        return await reader.read(replace(self.context, viewer=viewer), request)


def aggregation(store: Store, *, portion_events: int = 1000) -> ConsumerRunner:
    """Return what adds a database's clicks to its rollups."""
    consumer = RollupAggregator(store, pause_seconds=0)
    return ConsumerRunner(store, consumer, clock=lambda: datetime.now(UTC), portion_events=portion_events)


def click(at: datetime, link_id: int = 1, **visit: Any) -> Click:
    program_id, partner_id = LINKS[link_id - 1]
    return Click(at, program_id, link_id, partner_id, f"https://yoursite.com/?aff=L{link_id}", VisitRecord(**visit))


def chosen(event: Event, viewer: Viewer, wanted: ReportFilter) -> bool:
    """Return whether a report for a viewer counts an event, regardless of its time."""
    return (
        viewer.program_id in (None, event["program_id"])
        and viewer.partner_id in (None, event["partner_id"])
        and (wanted.program_ids is None or event["program_id"] in wanted.program_ids)
        and (wanted.partner_ids is None or event["partner_id"] in wanted.partner_ids)
        and (wanted.link_ids is None or event["link_id"] in wanted.link_ids)
        and (wanted.is_bot is None or event["is_bot"] is wanted.is_bot)
    )


def counted(events: Sequence[Event]) -> Counts:
    bots = sum(event["is_bot"] for event in events)
    customers = sum(event["existing_click_id"] != event["click_id"] for event in events)
    return Counts(len(events) - bots, bots, customers)


def with_visitors(events: Sequence[Event]) -> Counts:
    """Return the counts of events, with distinct visitors."""
    visitors = len({event["customer_id"] for event in events})
    return Counts(**{**structs.asdict(counted(events)), "visitors": visitors})


def ranked(events: Sequence[Event], top: Top) -> list[tuple[str | None, Counts]]:
    """Return the values with most clicks, with their counts."""
    by, limit, count = top.by, top.limit, with_visitors if top.with_visitors else counted
    value = VALUES[by]
    clicks = Counter(value(event) for event in events)
    best = sorted(clicks, key=lambda value: (-clicks[value], not value, value))[:limit]
    return [(one or None, count([event for event in events if value(event) == one])) for one in best]


def _address(url: str | None) -> str:
    return (url or "").split("?")[0].split("#")[0][:512]


def _stored(column: str) -> Callable[[Event], str]:
    return lambda event: event[column] or ""


VALUES: Mapping[str, Callable[[Event], str]] = {
    **{column.name: _stored(column.name) for column in DIMENSIONS},
    Dimension.PROGRAM: lambda event: str(event["program_id"]),
    Dimension.PARTNER: lambda event: str(event["partner_id"]),
    Dimension.LINK: lambda event: str(event["link_id"]),
    Dimension.REFERRER: lambda event: _address(event["referrer_url"]),
    # An empty one is the same as the page.
    Dimension.LANDING_PAGE: lambda event: event["landing_page"] or event["page_url"] or "",
}
"""What a click is in each dimension, apart from times; empty where it is not known."""
RANKED = tuple(Dimension(name) for name in VALUES)
