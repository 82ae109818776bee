"""A second consumer of the outbox for tests, which counts each program's clicks in a table of its own. As a program,
it and the rollups run without a pause, in small portions, until they are killed."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Column, MetaData, Table, delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import WriteConnection
from db.engine.store import Store
from db.outbox import history
from db.outbox.conditions import CLICK
from db.outbox.consumer import Range
from db.outbox.event_ranges import RANGE_EVENTS
from db.outbox.runner import ConsumerRunner
from db.rollups.aggregator import RollupAggregator
from db.schema.clicks import ClickEvent
from db.sql.batch_statements import BatchStatement, compiled

TALLIES = Table(
    "tallies",
    MetaData(),
    Column("program_id", BigInteger, primary_key=True, autoincrement=False),
    Column("clicks", BigInteger, nullable=False),
)


class Counted:
    def __init__(self, add: BatchStatement, clicks: Counter[int]) -> None:
        self._add = add
        self._clicks = clicks

    async def write(self, connection: WriteConnection) -> None:
        await connection.execute((self._add, sorted(self._clicks.items())))


class Tally:
    """`ranges` has all ranges that were handed to it."""

    name = "tally"
    kinds = frozenset({CLICK})
    lot = None
    lists_at_once = False

    def __init__(self, store: Store) -> None:
        insert = (sqlite.insert if store.is_sqlite else postgresql.insert)(TALLIES).inline()
        added = {"clicks": TALLIES.c.clicks + insert.excluded.clicks}
        add = insert.on_conflict_do_update(index_elements=["program_id"], set_=added)
        self._add = compiled(store.database.engine.dialect, add, ("program_id", "clicks"))
        self.ranges: list[Range] = []

    async def prepare(self, connection: WriteConnection, ranges: Sequence[Range]) -> Counted:
        self.ranges += ranges
        clicks: Counter[int] = Counter()
        for one in ranges:
            clicks[one.program_id] += one.events
        return Counted(self._add, clicks)

    async def reset(self, connection: AsyncConnection) -> None:
        await connection.execute(delete(TALLIES))


async def make_table(store: Store) -> None:
    async with store.write() as connection:
        await connection.run_sync(TALLIES.metadata.create_all)


async def drop_table(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("DROP TABLE tallies"))


async def tallied(store: Store) -> dict[int, int]:
    async with store.read() as connection:
        return dict((await connection.execute(select(TALLIES))).all())


async def recorded(store: Store) -> dict[int, int]:
    """Return how many clicks each program has, by its events."""
    counts = select(ClickEvent.program_id, func.count()).group_by(ClickEvent.program_id)
    async with store.read() as connection:
        return dict((await connection.execute(counts)).all())


def runner_of(store: Store, consumer: Tally | RollupAggregator, *, portion_events: int = 1000) -> ConsumerRunner:
    return ConsumerRunner(store, consumer, clock=lambda: datetime.now(UTC), portion_events=portion_events)


async def run_forever(url: str) -> None:
    history.PART_IDS = RANGE_EVENTS
    store = Store(url)
    consumers = (Tally(store), RollupAggregator(store, pause_seconds=0))
    runners = [runner_of(store, consumer, portion_events=20) for consumer in consumers]
    while True:
        await asyncio.gather(*(runner.run_once() for runner in runners), return_exceptions=True)
        await asyncio.sleep(0.001)


def main() -> None:
    """Run on the database whose URL is the argument."""
    asyncio.run(run_forever(sys.argv[1]))
