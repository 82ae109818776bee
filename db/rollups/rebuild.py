"""Mend the rollups: write anew what differs from the events, part by part, while gateways run.

A part is compared without disturbing anybody. Only where it differs is it compared again and mended, in one short
transaction during which no clicks are added to the rollups; those that wait for that are left to the aggregator. So
every report is right as soon as its parts are, and clicks that are recorded and added meanwhile are counted once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, or_, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.rollups.audit import Compared, programs_in
from db.rollups.recount import PART_EVENTS, Key, Part, Recount, recount_of
from db.rollups.sources import SOURCES, RollupSource
from db.rollups.sums import LEVELS, SPANS
from db.schema.columns import EPOCH
from db.schema.outbox import OutboxConsumer

# SQLite lets a writer wait for five seconds; beside a busy gateway it may take several turns.
PATIENCE_SECONDS = 60
Report = Callable[[int], None]
"""Is told how many events were dealt with since the last time."""


@dataclass(slots=True)
class Rebuilt:
    """What was done: rows that were written anew, and rows that were removed."""

    written: int = 0
    removed: int = 0


async def events_to_read(store: Store) -> int:
    """Return how many events a rebuild reads: each once for every level. Raises `DatabaseUnavailable`."""
    async with store.read() as connection:
        counts = [await connection.scalar(select(func.count()).select_from(source.event)) for source in SOURCES]
    return sum(count or 0 for count in counts) * len(LEVELS)


async def rebuild(store: Store, report: Report, size: int = PART_EVENTS) -> Rebuilt:
    """Bring every row of the rollups to what the events say. Raises `DatabaseUnavailable`: then what was mended
    stays so, and the rest can be mended by another run."""
    rebuilt = Rebuilt()
    for source in SOURCES:
        rebuilt.removed += await _patiently(lambda source=source: _remove_strange_rows(store, source))  # type: ignore[misc]
        mending = _Mending(store, recount_of(source, is_sqlite=store.is_sqlite))
        async for part in mending.parts(size):
            if await mending.differs(part):
                written, removed = await _patiently(lambda part=part, mending=mending: mending.mend(part))  # type: ignore[misc]
                rebuilt.written += written
                rebuilt.removed += removed
            report(part.events)
    return rebuilt


async def _patiently(step: Callable[[], Any]) -> Any:
    """Take a step that writes, again where other writers did not let it."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await step()
        except DatabaseUnavailable as error:
            if "locked" not in str(error) or monotonic() > deadline:
                raise
            await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class _Mending:
    """Compares and mends the rollups of one source."""

    store: Store
    recount: Recount

    async def parts(self, size: int) -> AsyncIterator[Part]:
        """Yield all parts."""
        async with self.store.read() as connection:
            programs = await programs_in(await self.store.source(connection), self.recount.source)
        for program_id in programs:
            for level in LEVELS:
                async with self.store.read() as connection:
                    parts = await self.recount.parts(await self.store.source(connection), program_id, level, size)
                for part in parts:
                    yield part

    async def differs(self, part: Part) -> bool:
        """Return whether any row of a part is wrong."""
        async with self.store.read() as connection:
            compared = await self._compared(connection, part)
        return any(True for _ in compared.wrong())

    async def mend(self, part: Part) -> tuple[int, int]:
        """Mend a part; return how many rows were written and removed."""
        of = self.recount.source
        async with self.store.write() as connection:
            await _stop_aggregation(self.store, connection, of)
            compared = await self._compared(connection, part)
            wrong = list(compared.wrong())
            surplus = [key for key in wrong if key not in compared.expected]
            if surplus:
                await connection.execute(_remove(self.store, of), [self._key_values(part, key) for key in surplus])
            rows = [
                self._key_values(part, key) | dict(zip(of.counters, compared.expected[key], strict=True))
                for key in wrong
                if key in compared.expected
            ]
            if rows:
                await connection.execute(_replace(self.store, of), _in_order(rows, of))
        return len(rows), len(surplus)

    async def _compared(self, connection: AsyncConnection, part: Part) -> Compared:
        """Compare a part. The events are read first: those that are recorded after that still wait when the queue is
        read, and while nothing is aggregated, those that were recorded before are told apart by it, too."""
        await self.store.prefer_indexes(connection)
        source = await self.store.source(connection)
        events = await self.recount.expected_rows(source, part)
        waiting = await self.recount.waiting_in(source, part.program_id)
        expected = await self.recount.added_up(source, events, waiting, part)
        return Compared(self.recount.source, part, expected, await self.recount.kept_rows(source, part))

    def _key_values(self, part: Part, key: Key) -> dict[str, Any]:
        subject, span, start, *others = key
        # SQLite is given what it has, which need not be a moment where the row is to be removed.
        bucket_at = start if self.store.is_sqlite else EPOCH + timedelta(microseconds=start)
        values = (part.program_id, part.level, subject, span, bucket_at, *others)
        return dict(zip((f"key_{name}" for name in self.recount.source.key), values, strict=True))


async def _stop_aggregation(store: Store, connection: AsyncConnection, source: RollupSource) -> None:
    """Keep every aggregator from adding to the rollups until the transaction ends; on SQLite, any open transaction that
    writes does."""
    if not store.is_sqlite:
        row = select(OutboxConsumer.name).where(OutboxConsumer.name == source.consumer)
        await connection.execute(row.with_for_update())


def _in_order(rows: Sequence[dict[str, Any]], source: RollupSource) -> Sequence[dict[str, Any]]:
    return sorted(rows, key=lambda row: [str(row[f"key_{name}"]) for name in source.key])


def _parameters(store: Store, source: RollupSource) -> dict[str, Any]:
    table = source.rollup.__table__
    return {
        name: bindparam(
            f"key_{name}", type_=BigInteger() if store.is_sqlite and name == "bucket_at" else table.c[name].type
        )
        for name in source.key
    }


def _remove(store: Store, source: RollupSource) -> Any:
    given = _parameters(store, source)
    table = source.rollup.__table__
    is_it = (type_coerce(table.c[name], given[name].type) == given[name] for name in source.key)
    return delete(source.rollup).where(*is_it)


def _replace(store: Store, source: RollupSource) -> Any:
    make = sqlite.insert if store.is_sqlite else postgresql.insert
    insert = make(source.rollup).values(
        {**_parameters(store, source), **{name: bindparam(name, type_=BigInteger()) for name in source.counters}}
    )
    return insert.on_conflict_do_update(
        index_elements=list(source.key), set_={name: insert.excluded[name] for name in source.counters}
    )


async def _remove_strange_rows(store: Store, source: RollupSource) -> int:
    """Remove rows of levels and spans that nothing reads, of which there are none as a rule."""
    row = source.rollup
    strange = or_(row.level.not_in(LEVELS), row.span_seconds.not_in(SPANS))
    async with store.read() as connection:
        if not await connection.scalar(select(func.count()).select_from(row).where(strange)):
            return 0
    async with store.write() as connection:
        await _stop_aggregation(store, connection, source)
        return (await connection.execute(delete(row).where(strange))).rowcount
