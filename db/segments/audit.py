"""Recount the events against the segments, program by program and a page of events at a time.

What they have in common is a number for each row, whatever the order of rows: a sum of these tells two sets of rows
apart, and needs no space.
"""

from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from db.engine.backend.protocol import Source
from db.errors import SegmentDamaged
from db.outbox.conditions import waits_for
from db.rollups.audit import programs_in
from db.rollups.recount import Waiting
from db.schema.outbox import OutboxRange
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import SEGMENT_SOURCES, SegmentSource
from db.segments.encoding import decode, frame_of, plain
from db.segments.statements import FIND_SEGMENTS, READ_SEGMENT
from db.sql.compiled_queries import CompiledQuery

PAGE_EVENTS = 20_000
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


async def segment_differences(source: Source, *, is_sqlite: bool) -> AsyncIterator[SegmentDifference]:
    """Compare all segments with the events that are in them, in one snapshot. Reads every event once."""
    for of in SEGMENT_SOURCES:
        for program_id in await _programs(source, of):
            name = f"{of.kind} segments of program {program_id}"
            kept = _Summary()
            async for damage in _add_segments(source, of, program_id, kept):
                yield SegmentDifference(f"{name}, segment {damage}", 1, 0)
            expected = _Summary()
            async for frame in _events(source, of, program_id, is_sqlite=is_sqlite):
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
    found = await source.fetch(FIND_SEGMENTS, program)
    columns = [column.name for column in of.columns]
    for id, events in found:
        ((data, checksum),) = await source.fetch(READ_SEGMENT, program | {"id": id})
        try:
            frame = plain(decode(data, checksum, columns))
        except SegmentDamaged as damage:
            yield f"{id}: {damage}"
            continue
        summary.add(frame)
        if len(frame) != events:
            yield f"{id}: it has {len(frame)} events instead of {events}"
    totals = [tuple(row) for row in await source.fetch(TOTALS, program)] or [(0, 0)]
    if totals != [(len(found), sum(events for _, events in found))]:
        yield "total: some are missing, or too many"


TOTALS = CompiledQuery(
    select(ReportSegmentTotal.segments, ReportSegmentTotal.events).where(
        ReportSegmentTotal.program_id == bindparam("program_id"), ReportSegmentTotal.kind == bindparam("kind")
    )
)


async def _events(
    source: Source, of: SegmentSource, program_id: int, *, is_sqlite: bool
) -> AsyncIterator[pl.DataFrame]:
    """Yield a program's events that should be in segments, page by page."""
    ranges = await source.fetch(_waiting(of), {"program_id": program_id})
    waiting = Waiting([tuple(row) for row in ranges])
    for kind in sorted(of.events.kinds):
        after = 0
        while rows := await source.fetch(
            _page(of, is_sqlite), {"program_id": program_id, "event_kind": kind, "after": after}
        ):
            last = rows[-1][0]
            if len(rows) == PAGE_EVENTS and rows[0][0] < last:
                # More bookings of the last event may be on the next page.
                rows, last = [row for row in rows if row[0] < last], last - 1
            after = last
            yield frame_of(of.columns, [tuple(row)[1:] for row in rows if not waiting.has(kind, row[0])])


@cache
def _waiting(of: SegmentSource) -> CompiledQuery:
    row = OutboxRange
    found = select(row.kind, row.first_id, row.last_id).where(row.program_id == bindparam("program_id"))
    return CompiledQuery(found.where(waits_for(of.consumer, of.events.kinds)))


@cache
def _page(of: SegmentSource, is_sqlite: bool) -> CompiledQuery:
    """Select a page of a program's events after an id: the id, and a value for each column."""
    event = aliased(of.events.event)
    kind: Any = of.events.kind(event)
    wanted = (
        event.program_id == bindparam("program_id"),
        kind == bindparam("event_kind"),
        event.id > bindparam("after"),
    )
    rows = select(event).where(*wanted).order_by(event.id).limit(PAGE_EVENTS).subquery()
    row = aliased(of.events.event, rows)
    found, click = of.events.clicked(rows, row, is_sqlite=is_sqlite)
    return CompiledQuery(
        select(row.id, *(column.of(row, click) for column in of.columns)).select_from(found).order_by(row.id)
    )
