"""Recount the events against the segments, program by program and a page of events at a time.

What they have in common is a number for each row, whatever the order of rows: a sum of these tells two sets of rows
apart, and needs no space.
"""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import BindParameter, and_, bindparam, literal_column, select
from sqlalchemy.orm import aliased

from db.engine.backend.protocol import Source
from db.errors import SegmentDamaged
from db.outbox.backlog import CONSUMERS
from db.outbox.conditions import waits_for
from db.outbox.history import FIND_HISTORY
from db.partitions.horizon import first_month
from db.rollups.audit import programs_in
from db.rollups.recount import Waiting
from db.schema.outbox import OutboxRange
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import CLICK_SEGMENTS, SEGMENT_SOURCES, SegmentSource
from db.segments.encoding import decode, plain
from db.segments.event_rows import Derive, EventRows
from db.segments.statements import READ_SEGMENT
from db.sql.compiled_queries import CompiledQuery

PAGE_EVENTS = 20_000
_program: BindParameter[int] = bindparam("program_id")
# Sums of so many bits of each row's number do not overflow.
DIGEST_BITS = 40


class SegmentDifference(NamedTuple):
    """What segments say, and what the events say."""

    name: str
    kept: Any
    expected: Any


class _Summary:
    """How many rows there are, and a sum that depends on all of their values."""

    def __init__(self) -> None:
        self.rows = 0
        self.digest = 0

    def add(self, frame: pl.DataFrame) -> None:
        self.rows += len(frame)
        self.digest += int((frame.hash_rows() % 2**DIGEST_BITS).sum())


async def segment_differences(
    source: Source, derive: Derive | None, *, is_sqlite: bool
) -> AsyncIterator[SegmentDifference]:
    """Compare all segments with the events that are in them, in one snapshot. Reads every event once. Without `derive`,
    clicks that lack derived fields are expected to lack them in segments."""
    consumers = {name for (name,) in await source.fetch(CONSUMERS, {})}
    for of in SEGMENT_SOURCES:
        if of.consumer not in consumers:  # no gateway of this version has been started yet
            continue
        events = recounted(of, derive, is_sqlite=is_sqlite)
        for program_id in await _programs(source, of):
            name = f"{of.kind} segments of program {program_id}"
            kept = _Summary()
            async for damage in _add_segments(source, of, program_id, kept):
                yield SegmentDifference(f"{name}, segment {damage}", 1, 0)
            expected = _Summary()
            async for frame in events.frames(source, program_id):
                expected.add(frame)
            if kept.rows != expected.rows:
                yield SegmentDifference(f"{name}, events", kept.rows, expected.rows)
            elif kept.digest != expected.digest:
                yield SegmentDifference(f"{name}, events that are as recorded", 0, expected.rows)


async def _programs(source: Source, of: SegmentSource) -> Sequence[int]:
    listed = select(ReportSegment.program_id).where(ReportSegment.kind == of.kind).distinct()
    kept = [id for (id,) in await source.fetch(CompiledQuery(listed), {})]
    return sorted({*kept, *await programs_in(source, of.events)})


async def _add_segments(source: Source, of: SegmentSource, program_id: int, summary: _Summary) -> AsyncIterator[str]:
    """Add up a program's segments; yield what is wrong with them."""
    program = {"program_id": program_id, "kind": of.kind}
    found = await source.fetch(ALL_SEGMENTS, program)
    columns = [column.name for column in of.columns]
    for id, events, is_left in found:
        ((data, checksum),) = await source.fetch(READ_SEGMENT, program | {"id": id})
        try:
            frame = plain(decode(data, checksum, columns))
        except SegmentDamaged as damage:
            yield f"{id}: {damage}"
            continue
        if not is_left:
            summary.add(frame)
        if len(frame) != events:
            yield f"{id}: it has {len(frame)} events instead of {events}"
    totals = [tuple(row) for row in await source.fetch(TOTALS, program)] or [(0, 0)]
    if totals != [(len(found), sum(events for _, events, _ in found))]:
        yield "total: some are missing, or too many"


# A segment that is left of a month that was dropped has no events to be compared with.
ALL_SEGMENTS = CompiledQuery(
    select(
        ReportSegment.id,
        ReportSegment.events,
        and_(ReportSegment.month < first_month(), ReportSegment.kind == literal_column(f"'{CLICK_SEGMENTS.kind}'")),
    )
    .where(ReportSegment.program_id == _program, ReportSegment.kind == bindparam("kind"))
    .order_by(ReportSegment.id)
)
TOTALS = CompiledQuery(
    select(ReportSegmentTotal.segments, ReportSegmentTotal.events).where(
        ReportSegmentTotal.program_id == bindparam("program_id"), ReportSegmentTotal.kind == bindparam("kind")
    )
)


class RecountedEvents:
    """The events of one source that should be in segments."""

    def __init__(self, of: SegmentSource, derive: Derive | None, *, is_sqlite: bool) -> None:
        self._of = of
        self._rows = EventRows(of.columns, derive, is_sqlite=is_sqlite)
        row = OutboxRange
        waiting = select(row.kind, row.first_id, row.last_id).where(row.program_id == _program)
        self._find_waiting = CompiledQuery(waiting.where(waits_for(of.consumer, of.events.kinds)))
        self._find_page = self._page(is_sqlite=is_sqlite)

    def _page(self, *, is_sqlite: bool) -> CompiledQuery:
        """Select a page of a program's events of one kind, after an id: the id, and what is read of a row."""
        event = aliased(self._of.events.event)
        kind: Any = self._of.events.kind(event)
        wanted = [event.program_id == _program, kind == bindparam("event_kind"), event.id > bindparam("after")]
        wanted += self._of.events.is_there(event)
        page = select(event).where(*wanted).order_by(event.id).limit(PAGE_EVENTS).subquery()
        row = aliased(self._of.events.event, page)
        found, click = self._of.events.clicked(page, row, is_sqlite=is_sqlite, program_id=_program)
        query = select(row.id, *self._rows.selected(row, click)).select_from(found)
        return CompiledQuery(query.order_by(row.id))

    async def frames(self, source: Source, program_id: int) -> AsyncIterator[pl.DataFrame]:
        """Yield a program's events, page by page."""
        ranges = await source.fetch(self._find_waiting, {"program_id": program_id})
        unlisted = await source.fetch(FIND_HISTORY, {"name": self._of.consumer})
        listed = [(kind, first, last) for kind, first, last in ranges]
        waiting = Waiting([*listed, *((kind, listed_to + 1, last) for kind, listed_to, last in unlisted)])
        for kind in sorted(self._of.events.kinds):
            values = {"program_id": program_id, "event_kind": kind, "after": 0}
            while rows := await source.fetch(self._find_page, values):
                last = rows[-1][0]
                if len(rows) == PAGE_EVENTS and rows[0][0] < last:
                    # More bookings of the last event may be on the next page.
                    rows, last = [row for row in rows if row[0] < last], last - 1
                values["after"] = last
                yield self._rows.frame([tuple(row)[1:] for row in rows if not waiting.has(kind, row[0])])


# To build its statements takes far longer than to run them on a small database.
recounted = cache(RecountedEvents)
