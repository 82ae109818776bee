"""Mend the rollups: write anew what differs from the events, part by part, while gateways run.

A part is compared without disturbing anybody. Only where it differs is it compared again and mended, in one short
transaction during which no clicks are added to the rollups; those that wait for that are left to the aggregator. So
every report is right as soon as its parts are, and clicks that are recorded and added meanwhile are counted once.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, not_, or_, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.rollups.aggregation import KEY
from db.rollups.audit import Compared, programs_in
from db.rollups.dimensions import COUNTERS, SPANS
from db.rollups.recount import (
    PART_EVENTS,
    Key,
    Part,
    added_up,
    expected_rows,
    kept_rows,
    parts_of,
    waiting_in,
)
from db.rollups.statements import ROLLUPS
from db.schema.clicks import ClickEvent
from db.schema.columns import EPOCH
from db.schema.outbox import OutboxConsumer
from db.schema.rollups import ClickRollup

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
        events = await connection.scalar(select(func.count()).select_from(ClickEvent)) or 0
    return events * len(SPANS)


async def rebuild(store: Store, report: Report, size: int = PART_EVENTS) -> Rebuilt:
    """Bring every row of the rollups to what the events say. Raises `DatabaseUnavailable`: then what was mended
    stays so, and the rest can be mended by another run."""
    rebuilt = Rebuilt()
    rebuilt.removed += await _patiently(lambda: _remove_strange_rows(store))
    async with store.read() as connection:
        programs = await programs_in(await store.source(connection))
    for program_id in programs:
        for level in SPANS:
            async with store.read() as connection:
                parts = await parts_of(await store.source(connection), program_id, level, size)
            for part in parts:
                if await _differs(store, part):
                    written, removed = await _patiently(lambda part=part: _mend(store, part))  # type: ignore[misc]
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


async def _differs(store: Store, part: Part) -> bool:
    async with store.read() as connection:
        compared = await _compared(store, connection, part)
    return any(True for _ in compared.wrong())


async def _compared(store: Store, connection: AsyncConnection, part: Part) -> Compared:
    """Compare a part. The events are read first: those that are recorded after that still wait when the queue is read,
    and while nothing is aggregated, those that were recorded before are told apart by it, too."""
    await store.prefer_indexes(connection)
    source = await store.source(connection)
    events = await expected_rows(source, part)
    waiting = await waiting_in(source, part.program_id)
    return Compared(part, added_up(events, waiting, part.level), await kept_rows(source, part))


async def _mend(store: Store, part: Part) -> tuple[int, int]:
    async with store.write() as connection:
        await _stop_aggregation(store, connection)
        compared = await _compared(store, connection, part)
        wrong = list(compared.wrong())
        surplus = [key for key in wrong if key not in compared.expected]
        if surplus:
            await connection.execute(_remove(store), [_key_values(store, part, key) for key in surplus])
        rows = [
            _key_values(store, part, key) | dict(zip(COUNTERS, compared.expected[key], strict=True))
            for key in wrong
            if key in compared.expected
        ]
        if rows:
            await connection.execute(_replace(store), _in_order(rows))
    return len(rows), len(surplus)


async def _stop_aggregation(store: Store, connection: AsyncConnection) -> None:
    """Keep every aggregator from adding to the rollups until the transaction ends; on SQLite, any open transaction that
    writes does."""
    if not store.is_sqlite:
        row = select(OutboxConsumer.name).where(OutboxConsumer.name == ROLLUPS)
        await connection.execute(row.with_for_update())


def _key_values(store: Store, part: Part, key: Key) -> dict[str, Any]:
    subject, dimension, span, start, value, partner_id = key
    # SQLite is given what it has, which need not be a moment where the row is to be removed.
    bucket_at = start if store.is_sqlite else EPOCH + timedelta(microseconds=start)
    values = (part.program_id, part.level, subject, dimension, span, bucket_at, value, partner_id)
    return dict(zip((f"key_{name}" for name in KEY), values, strict=True))


def _in_order(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    return sorted(rows, key=lambda row: [str(row[f"key_{name}"]) for name in KEY])


def _parameters(store: Store) -> dict[str, Any]:
    table = ClickRollup.__table__
    return {
        name: bindparam(
            f"key_{name}", type_=BigInteger() if store.is_sqlite and name == "bucket_at" else table.c[name].type
        )
        for name in KEY
    }


def _remove(store: Store) -> Any:
    given = _parameters(store)
    table = ClickRollup.__table__
    return delete(ClickRollup).where(*(type_coerce(table.c[name], given[name].type) == given[name] for name in KEY))


def _replace(store: Store) -> Any:
    make = sqlite.insert if store.is_sqlite else postgresql.insert
    insert = make(ClickRollup).values(
        {**_parameters(store), **{name: bindparam(name, type_=BigInteger()) for name in COUNTERS}}
    )
    return insert.on_conflict_do_update(
        index_elements=list(KEY), set_={name: insert.excluded[name] for name in COUNTERS}
    )


async def _remove_strange_rows(store: Store) -> int:
    """Remove rows of levels, dimensions and spans that nothing reads, of which there are none as a rule."""
    row = ClickRollup
    known = (
        (row.level == level) & (row.dimension == dimension) & row.span_seconds.in_(spans)
        for level, kept in SPANS.items()
        for dimension, spans in kept.items()
    )
    strange = not_(or_(*known))
    async with store.read() as connection:
        if not await connection.scalar(select(func.count()).select_from(row).where(strange)):
            return 0
    async with store.write() as connection:
        await _stop_aggregation(store, connection)
        return (await connection.execute(delete(row).where(strange))).rowcount
