"""The audit: it compares every stored counter with the events and reports the differences.

The click writer and the rollup aggregator update counters incrementally; the audit computes them again from scratch.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import func, select

from db.audit import counters, integrity
from db.audit.conversion_differences import conversion_differences
from db.audit.differences import LISTED_DIFFERENCES, Difference, first_rows
from db.engine.backend.protocol import Source
from db.engine.store import Store
from db.outbox.events import EVENTS
from db.rollups.audit import (
    RollupFigures,
    compared_parts,
    differences_in,
    moment_or_none,
    readable_moment,
    strange_kinds,
)
from db.rollups.recount import recount_of
from db.rollups.sources import CLICKS, CONVERSIONS, SOURCES
from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import PartnerProgram
from db.schema.rollups import ConversionBooking
from db.schema.segments import ReportSegment
from db.segments.audit import segment_differences
from db.segments.event_rows import Derive
from db.sql.compiled_queries import CompiledQuery


@dataclass(slots=True)
class Audit:
    """The result of an audit of one database snapshot.

    `counters` is the number of rows that count events. At most `LISTED_DIFFERENCES` differences are listed."""

    database: str
    events: int = 0
    counters: int = 0
    links: int = 0
    memberships: int = 0
    customers: int = 0
    leads: int = 0
    sales: int = 0
    refunds: int = 0
    commissions: int = 0
    sums: int = 0
    """Rows of revenue and earnings."""
    bookings: int = 0
    queue_rows: int = 0
    rollup_rows: int = 0
    segments: int = 0
    rollups: Sequence[dict[str, Any]] = ()
    conversion_rollups: Sequence[dict[str, Any]] = ()
    difference_count: int = 0
    differences: list[Difference] = field(default_factory=list)

    def note(self, difference: Difference) -> None:
        """Count a difference, and list it unless there are too many."""
        self.difference_count += 1
        if len(self.differences) < LISTED_DIFFERENCES:
            self.differences.append(difference)


async def audit(store: Store, derive: Derive | None = None) -> Audit:
    """Compare counters, last clicks, what conversions add up to, rollups, segments and the outbox with the events, and
    look for invalid rows. `derive` derives the fields of clicks that lack them yet. Uses a single snapshot, while
    clicks may go on, and reads every event several times. Raises `DatabaseUnavailable`."""
    found = Audit(store.name)
    async with store.read() as connection:
        source = await store.source(connection)
        await _count_rows(source, found)
        async for difference in _counters(source):
            found.note(difference)
        async for difference in conversion_differences(connection, source):
            found.note(difference)
        async for difference in _integrity(source, is_sqlite=store.is_sqlite):
            found.note(difference)
        await store.prefer_indexes(connection)
        await _rollups(source, found, is_sqlite=store.is_sqlite)
        async for name, kept, expected in segment_differences(source, derive, is_sqlite=store.is_sqlite):
            found.note(Difference(name, kept, expected))
    found.counters = found.links + found.memberships + found.customers + found.sums + found.rollup_rows
    return found


async def _count_rows(source: Source, found: Audit) -> None:
    async def count(table: Any) -> int:
        return await _number(source, _rows_of(table))

    found.events = await count(ClickEvent)
    found.links = await count(ReferralLink)
    found.memberships = await count(PartnerProgram)
    found.customers = await count(Customer)
    found.leads, found.sales = await count(LeadEvent), await count(Sale)
    found.refunds, found.commissions = await count(Refund), await count(Commission)
    found.sums, found.bookings = await count(ConversionSum), await count(ConversionBooking)
    found.queue_rows = await count(OutboxRange)
    found.segments = await count(ReportSegment)


@cache
def _rows_of(table: Any) -> CompiledQuery:
    return CompiledQuery(select(func.count()).select_from(table))


async def _number(source: Source, query: CompiledQuery) -> int:
    ((number,),) = await source.fetch(query, {})
    return int(number)


async def _counters(source: Source) -> AsyncIterator[Difference]:
    for code, *row in await first_rows(source, counters.links):
        yield _counted(f"link {code}", *row)
    for program_id, partner_id, *row in await first_rows(source, counters.memberships):
        yield _counted(f"program {program_id}, partner {partner_id}", *row)
    for program_id, id, clicks, foreign, made, matching, kept, last in await first_rows(source, counters.customers):
        name = f"customer {id} of program {program_id}"
        if clicks == 0:
            yield Difference(f"{name}, without any event", 1, 0)
            continue
        if foreign:
            yield Difference(f"{name}, events with its click_id", clicks, clicks - foreign)
        if made != 1:
            yield Difference(f"{name}, events that made it", 1, made)
        if not matching or (isinstance(kept, int) and last > kept):
            yield Difference(f"{name}, last click", 1, matching, moment_or_none(kept), moment_or_none(last))


def _counted(name: str, clicks: Any, events: int, kept: Any, last: Any) -> Difference:
    if kept is not None and moment_or_none(kept) is None:
        name += f", last click {readable_moment(kept)}"
    return Difference(name, clicks, events, moment_or_none(kept), moment_or_none(last))


async def _integrity(source: Source, *, is_sqlite: bool) -> AsyncIterator[Difference]:
    if is_sqlite:
        for columns, query in integrity.storage_types():
            (numbers,) = await source.fetch(query, {})
            for column, wrong in zip(columns, numbers, strict=True):
                if wrong:
                    yield Difference(f"{column}, values stored as a wrong type", wrong, 0)
    for name, query in integrity.orphans():
        if missing := await _number(source, query):
            yield Difference(f"rows of {name}", missing, 0)
    async for difference in _outbox(source):
        yield difference
    for name, next_id, greatest in await first_rows(source, integrity.used_ids):
        yield Difference(f"next id of {name}, of which some are in use already", next_id, greatest)


async def _outbox(source: Source) -> AsyncIterator[Difference]:
    for kind in EVENTS:
        for id, kept, events in await first_rows(source, integrity.queue_counts, kind):
            yield Difference(f"row {id} of the outbox, {kind}s", kept, events)
    for id, kept in await first_rows(source, integrity.queue_overlaps):
        yield Difference(f"row {id} of the outbox, events that another row has, too", kept, 0)


async def _rollups(source: Source, found: Audit, *, is_sqlite: bool) -> None:
    figures = {of: RollupFigures() for of in SOURCES}
    for of in figures:
        strange = await strange_kinds(source, of)
        async for compared in compared_parts(source, recount_of(of, is_sqlite=is_sqlite)):
            figures[of].add(compared)
            for name, kept, expected in differences_in(compared):
                found.note(Difference(name, kept, expected))
        for name, rows in strange:
            found.note(Difference(f"{name}, rows that nothing reads", rows, 0))
    found.rollups, found.conversion_rollups = figures[CLICKS].listed(), figures[CONVERSIONS].listed()
    found.rollup_rows = sum(each.total for each in figures.values())
