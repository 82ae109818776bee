"""The consumers that keep the rollups: they add up clicks or conversions, and add the sums to the rollups' rows."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import WriteConnection
from db.engine.store import Store
from db.outbox.consumer import Range
from db.outbox.range_slices import slices_of
from db.rollups.aggregation import ClickHead
from db.rollups.sources import CLICKS, CONVERSIONS, RollupSource
from db.rollups.statements import RollupStatements
from db.schema.dropped import ClickHorizon
from db.sql.batch_statements import BatchStatement, RowValues
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import quarter_number

# After so many rows, a millisecond or two of work, requests get their turn on the event loop,
SLICE_ROWS = 250
# and this long to themselves, so that a portion is spread over the time until the next one.
PAUSE_SECONDS = 0.01
# About 15 MB of sums; hostile clicks may make ten times as many of a portion.
READY_SLICES = 200
FIRST_QUARTER = CompiledQuery(select(quarter_number(ClickHorizon.first_day)))
# Where a click's fields have the number of its quarter of an hour.
QUARTER = ClickHead._fields.index("quarter")


class Sums:
    """What events add up to, in slices of rows."""

    def __init__(self, add: BatchStatement, slices: Iterator[Sequence[RowValues]]) -> None:
        self._add = add
        self._slices = slices

    async def write(self, connection: WriteConnection) -> None:
        """Add the sums to the rollups."""
        for rows in self._slices:
            await connection.execute((self._add, rows))
            await asyncio.sleep(0)


class RollupAggregator:
    """Adds clicks to the rollups. With `pause_seconds`, it leaves time to requests between two slices of work."""

    source: RollupSource = CLICKS
    name = CLICKS.consumer
    kinds = CLICKS.kinds
    lot = None
    lists_at_once = True

    def __init__(self, store: Store, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._statements = RollupStatements(self.source, store.database.engine.dialect)
        self._pause_seconds = pause_seconds

    async def prepare(self, connection: WriteConnection, ranges: Sequence[Range]) -> Sums:
        """Add up the events of ranges. Recorded events never change, so this needs no snapshot, which would keep the
        database from tidying up behind the click writer."""
        sums = self.source.sums()
        first_quarter = await self._first_quarter(connection)
        for ids in slices_of(ranges, SLICE_ROWS):
            events = await connection.read(self._statements.find_events, {"rows": ids})
            # As a condition of the statement, it would lead PostgreSQL's planner to read all events.
            sums.add(
                events if first_quarter is None else [event for event in events if event[QUARTER] >= first_quarter]
            )
            await asyncio.sleep(self._pause_seconds)
        return Sums(self._statements.add, await self._made_ready(sums.slices(SLICE_ROWS)))

    async def _first_quarter(self, connection: WriteConnection) -> int | None:
        """Return the first quarter of an hour of which rollups can be made, if events from before were dropped: no
        event is of an earlier one, unless a clock is wrong."""
        found = await connection.read(FIRST_QUARTER, {}) if self.source.dropped is not None else ()
        return int(found[0][0]) if found else None

    async def reset(self, connection: AsyncConnection) -> None:
        """Remove all rollups that can be made again."""
        rollup, dropped = self.source.rollup, self.source.dropped
        await connection.execute(delete(rollup).where(*self.source.is_of_events(rollup)))
        if dropped is not None:
            rows = dropped.__table__
            await connection.execute(insert(rollup).from_select(rows.columns.keys(), select(rows)))

    async def _made_ready(self, slices: Iterator[Sequence[RowValues]]) -> Iterator[Sequence[RowValues]]:
        """Return the slices, having made as many of them as memory should hold: no click waits for that yet."""
        ready = []
        for rows in islice(slices, READY_SLICES):
            ready.append(rows)
            await asyncio.sleep(self._pause_seconds)
        return chain(ready, slices)


class ConversionAggregator(RollupAggregator):
    """Adds conversions to their rollups."""

    source = CONVERSIONS
    name = CONVERSIONS.consumer
    kinds = CONVERSIONS.kinds
