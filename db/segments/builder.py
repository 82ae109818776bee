"""The consumers that make segments: of what was committed, they write a Parquet file for each program, and take the
program's small files in."""

import asyncio
import logging
from collections.abc import Mapping, Sequence, Set
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zlib import crc32

import polars as pl
from sqlalchemy import and_, delete, func, insert, literal, not_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import WriteConnection
from db.engine.store import Store
from db.errors import SegmentDamaged
from db.outbox.conditions import CLICK
from db.outbox.consumer import Lot, Range
from db.outbox.range_slices import slices_of
from db.partitions.horizon import first_month
from db.partitions.months import IDS_PER_MONTH
from db.schema.columns import EPOCH
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import BOOKING_SEGMENTS, CLICK_SEGMENTS, PROGRAM, TIME, SegmentSource
from db.segments.encoding import decode, encode, joined
from db.segments.event_rows import Derive, EventRows
from db.segments.merging import merged_with
from db.segments.statements import ADD_SEGMENT, FIND_SEGMENTS, READ_SEGMENT, SegmentStatements

logger = logging.getLogger(__name__)

# A program's part of it costs some five milliseconds, however small it is. A report reads what waits row by row.
LOT = Lot(events=10_000, seconds=300)
# After so many rows, a few milliseconds of work, requests get their turn on the event loop,
SLICE_ROWS = 1_500
# and this long to themselves.
PAUSE_SECONDS = 0.01


class NewSegment(NamedTuple):
    """A segment to write, by its columns; the ids of those that it takes in, and how many of its events are new."""

    values: Mapping[str, Any]
    replaced: Sequence[int]
    new_events: int


class NewSegments:
    """Segments of the programs that have new events."""

    def __init__(self, statements: SegmentStatements, segments: Sequence[NewSegment]) -> None:
        self._statements = statements
        self._segments = segments

    async def write(self, connection: WriteConnection) -> None:
        """Write the segments in place of those that they take in."""
        for values, replaced, new_events in self._segments:
            program = (values["program_id"], values["kind"])
            await connection.execute((self._statements.remove, [(*program, id) for id in replaced]))
            await connection.execute((self._statements.count, [(*program, 1 - len(replaced), new_events)]))
            await connection.read(ADD_SEGMENT, values)


class SegmentBuilder:
    """Makes segments of clicks, with the derived fields of those that lack them. With `pause_seconds`, it leaves time
    to requests between two slices of work."""

    source: SegmentSource = CLICK_SEGMENTS
    name = CLICK_SEGMENTS.consumer
    kinds: Set[str] = CLICK_SEGMENTS.events.kinds
    lot = LOT
    lists_at_once = False

    def __init__(self, store: Store, derive: Derive | None = None, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        columns = (PROGRAM, *self.source.columns)
        self._rows = EventRows(columns, derive, is_sqlite=store.is_sqlite)
        self._dialect = store.database.engine.dialect
        self._pause_seconds = pause_seconds

    @cached_property
    def _statements(self) -> SegmentStatements:
        # Compiled when the first lot is complete: a gateway should not start later for it.
        return SegmentStatements(self.source, self._rows, self._dialect)

    async def prepare(self, connection: WriteConnection, ranges: Sequence[Range]) -> NewSegments:
        """Read the ranges' events, and encode them together with the small segments of their programs."""
        segments: list[NewSegment] = []
        for month, some in _by_month(ranges).items():
            segments += await self._of_month(connection, month, some)
        return NewSegments(self._statements, segments)

    async def _of_month(self, connection: WriteConnection, month: int, ranges: Sequence[Range]) -> Sequence[NewSegment]:
        frames = []
        for ids in slices_of(ranges, SLICE_ROWS):
            found = await connection.read(self._statements.find_events, {"rows": ids})
            frames.append(self._rows.unpacked(found))
            await asyncio.sleep(self._pause_seconds)
        last_ids = {range_.program_id: range_.id for range_ in sorted(ranges)}
        return [
            await self._segment(connection, program_id, month, last_ids[program_id], events)
            for program_id, events in (await asyncio.to_thread(_by_program, frames)).items()
        ]

    async def _segment(
        self, connection: WriteConnection, program_id: int, month: int, last_id: int, events: pl.DataFrame
    ) -> NewSegment:
        program = {"program_id": program_id, "kind": self.source.kind, "month": month}
        found = [tuple(row) for row in await connection.read(FIND_SEGMENTS, program)]
        merged = [id for id, _ in merged_with(found, len(events))]
        files = [(await connection.read(READ_SEGMENT, program | {"id": id}))[0] for id in merged]
        names = [column.name for column in self.source.columns]
        try:
            made = await asyncio.to_thread(_file_of, events, files, names)
        except SegmentDamaged as error:
            # A report will notice it too, and have all of them made anew.
            logger.warning("a segment of program %s cannot be merged: %s", program_id, error)
            merged, made = [], await asyncio.to_thread(_file_of, events, [], names)
        return NewSegment({**program, "id": max(last_id, *merged, 0), **made}, merged, len(events))

    async def reset(self, connection: AsyncConnection) -> None:
        """Remove all segments that can be made again: those of months that were dropped stay."""
        kind = self.source.kind
        is_left = and_(ReportSegment.month < first_month(), ReportSegment.kind == literal(CLICK_SEGMENTS.kind))
        await connection.execute(delete(ReportSegment).where(ReportSegment.kind == kind, not_(is_left)))
        await connection.execute(delete(ReportSegmentTotal).where(ReportSegmentTotal.kind == kind))
        row = ReportSegment
        left = select(row.program_id, row.kind, func.count(), func.sum(row.events)).where(row.kind == kind)
        counted = left.group_by(row.program_id, row.kind)
        columns = ("program_id", "kind", "segments", "events")
        await connection.execute(insert(ReportSegmentTotal).from_select(columns, counted))


class ConversionSegmentBuilder(SegmentBuilder):
    """Makes segments of bookings."""

    source = BOOKING_SEGMENTS
    name = BOOKING_SEGMENTS.consumer
    kinds = BOOKING_SEGMENTS.events.kinds


def _by_month(ranges: Sequence[Range]) -> Mapping[int, list[Range]]:
    """Return the ranges by the month that their events' ids begin with, so that a month can be dropped. The events of
    a range have one month."""
    by_month: dict[int, list[Range]] = {}
    for range_ in ranges:
        month = range_.first_id // IDS_PER_MONTH if range_.kind == CLICK else 0
        by_month.setdefault(month, []).append(range_)
    return by_month


def _by_program(frames: Sequence[pl.DataFrame]) -> Mapping[int, pl.DataFrame]:
    if not frames:
        return {}
    parts = pl.concat(frames).partition_by(PROGRAM.name, as_dict=True, include_key=False)
    return {key[0]: events for key, events in parts.items()}


def _file_of(events: pl.DataFrame, older: Sequence[tuple[bytes, int]], names: Sequence[str]) -> Mapping[str, Any]:
    """Return events and those of older files, in the order of time, as a new file with its description."""
    files = [decode(data, checksum, names) for data, checksum in older]
    frame = joined([events, *files]).sort(TIME.name)
    data, times = encode(frame), frame[TIME.name]
    return {
        "events": len(frame),
        "first_at": EPOCH + timedelta(microseconds=times[0]),
        "last_at": EPOCH + timedelta(microseconds=times[-1]),
        "checksum": crc32(data),
        "data": data,
    }
