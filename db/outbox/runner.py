"""Runs a consumer of the outbox: hands it what was committed, a portion at a time, and moves its position.

What the consumer writes and its new position are one transaction, so that each event counts exactly once for it,
whatever the order of commits and whichever process is killed.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

from db.engine.backend.protocol import WriteConnection
from db.engine.schema_fence import find_revision, hold_schema
from db.engine.store import Store
from db.errors import DatabaseUnavailable, SchemaOutdated
from db.outbox import statements
from db.outbox.backlog import Backlogs
from db.outbox.consumer import Changes, Consumer, Range
from db.outbox.history import HistoryLister
from db.outbox.position import Gap, Position, Transactions
from db.tasks import end

logger = logging.getLogger(__name__)

# The longer events are left, the more of them share what is written for them, and the more a report reads one by one.
RUN_SECONDS = 5
# After a failure: an open connection to a file that was replaced would hold up whoever uses the new one.
RETRY_SECONDS = 1
# PostgreSQL ends a session that idles in a transaction for longer; a portion takes a small part of this.
PORTION_SECONDS = 30
# The rollups need three times as long for each of ten thousand clicks, and hardly less for each of more than this.
# On SQLite, clicks wait while the changes are written: a twentieth of a second.
PORTION_EVENTS = 50_000
# Long enough for live feeds, which read the end of the log, and for the slowest commit.
KEPT = timedelta(seconds=30)
# Rows deleted in one transaction, which takes about as long as a portion does.
TRIM_ROWS = 20_000
BUSY_PAUSE_SECONDS = 0.25
LOG_SECONDS = 60


@dataclass(frozen=True, slots=True)
class _Portion:
    """Rows of the log that a consumer is to process, and its position before and after them."""

    before: Position
    after: Position
    ranges: Sequence[Range]
    """Those that the consumer is given."""
    is_last: bool


class ConsumerRunner:
    """Works for one consumer every few seconds; of several gateways on one database, one at a time."""

    def __init__(
        self,
        store: Store,
        consumer: Consumer,
        *,
        clock: Callable[[], datetime],
        portion_events: int = PORTION_EVENTS,
    ) -> None:
        self._store = store
        self._consumer = consumer
        self._clock = clock
        self._portion_events = portion_events
        dialect = store.database.engine.dialect
        self._statements = statements.LogStatements(dialect)
        self._find_due = statements.find_due(consumer.name)
        self._find_lot = consumer.lot and statements.find_lot(consumer.name, consumer.lot.events)
        self._find_revision = find_revision(dialect)
        self._history = HistoryLister(store, consumer.name)
        self._connection: WriteConnection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run the consumer from now on."""
        self._task = asyncio.create_task(self._run(), name=f"consumer {self._consumer.name}")

    async def close(self) -> None:
        """Stop, and close the connection. What is not processed yet stays in the log."""
        if self._task is not None:
            await end(self._task)
        await self._disconnect()

    async def run_all(self) -> None:
        """Process whatever there is. Raises `DatabaseUnavailable`."""
        while await self._is_due():
            if not await self.run_once():
                await asyncio.sleep(BUSY_PAUSE_SECONDS)

    async def run_once(self) -> bool:
        """Process a portion; return whether there may be more. Raises `DatabaseUnavailable`."""
        try:
            with self._store.outages():
                async with asyncio.timeout(PORTION_SECONDS):
                    return await self._is_due() and await self._process()
        except BaseException:
            await self._disconnect()
            raise

    async def _run(self) -> None:
        complaint = ""
        while True:
            await asyncio.sleep(RETRY_SECONDS if complaint else RUN_SECONDS)
            try:
                await self._catch_up()
                complaint = ""
            except Exception as error:
                if not complaint:  # once, not every second
                    complaint = str(error) or repr(error)
                    is_outage = isinstance(error, DatabaseUnavailable | SchemaOutdated)
                    name = self._consumer.name
                    logger.warning("%s are not kept, clicks go on: %s", name, error, exc_info=not is_outage)

    async def _catch_up(self) -> None:
        """Run until not much waits. Log progress if that takes long, as for a consumer that starts from the
        beginning."""
        started = told_at = perf_counter()
        while await self._has_lot() and await self.run_once():
            # Under load, this takes half of the time at most.
            await asyncio.sleep(perf_counter() - started)
            started = perf_counter()
            if started - told_at > LOG_SECONDS:
                told_at = started
                backlog = (await Backlogs(self._store).measure())[self._consumer.name]
                logger.info("%s: about %d events are left to process", self._consumer.name, backlog.events)

    async def _has_lot(self) -> bool:
        """Return whether as much waits as the consumer wants to be run for."""
        if self._consumer.lot is None or self._find_lot is None:
            return True
        waiting_since = self._clock() - timedelta(seconds=self._consumer.lot.seconds)
        return bool(await self._store.fetch(self._find_lot, {"waiting_since": waiting_since}))

    async def _is_due(self) -> bool:
        """Return whether there is anything to write: an idle gateway writes nothing."""
        return bool(await self._store.fetch(self._find_due, {"stale_at": self._clock() - KEPT}))

    async def _process(self) -> bool:
        connection = await self._connected()
        if await self._history.is_needed():
            return await self._history.list_part(connection)
        if self._store.is_sqlite:
            # Other writers wait only while the changes are written, not while they are prepared.
            if (portion := await self._read(connection)) is None:
                return False
            changes = await self._consumer.prepare(connection, portion.ranges)
            async with self._store.turn():
                await connection.begin()
                return await self._write(connection, portion, changes)
        await connection.begin()
        # A newer version of clickgate, whose consumers write something else, may have upgraded the schema.
        await hold_schema(connection, self._find_revision)
        if (portion := await self._read(connection)) is None:
            await connection.rollback()
            return False
        return await self._write(connection, portion, await self._consumer.prepare(connection, portion.ranges))

    async def _read(self, connection: WriteConnection) -> _Portion | None:
        """Read the next rows; None where another process works for the consumer, or where it was removed."""
        name = {"name": self._consumer.name}
        if not (found := await connection.read(statements.FIND_POSITION, name)):
            return None
        ((reached,),) = found
        gaps = tuple(Gap(*row) for row in await connection.read(statements.FIND_GAPS, name))
        before = Position(reached, gaps)
        values = {**name, "position": reached, "rows": self._portion_events}
        oldest_running = await self._store.database.oldest_running()
        rows = [*await connection.read(statements.FIND_IN_GAPS, values)] if gaps else []
        rows += await connection.read(statements.FIND_BEYOND, values)
        taken = rows[: self._portion_size(rows)]
        read_all = len(taken) == len(rows) < self._portion_events
        next_number = await self._store.database.next_number()
        ids = [row[0] for row in taken]
        after = before.advanced(ids, Transactions(oldest_running, next_number), read_all=read_all)
        wanted = ("", self._consumer.name)
        ranges = [Range(*row[:6]) for row in taken if row[1] in self._consumer.kinds and row[6] in wanted]
        return _Portion(before, after, ranges, is_last=read_all)

    def _portion_size(self, rows: Sequence[Sequence[int]]) -> int:
        """Return how many of the rows have as many events as a portion may have: at least one."""
        events = 0
        for size, row in enumerate(rows):
            events += row[5]
            if size and events > self._portion_events:
                return size
        return len(rows)

    async def _write(self, connection: WriteConnection, portion: _Portion, changes: Changes) -> bool:
        """Write the changes and the new position; return whether there may be more to do."""
        name, after, at = self._consumer.name, portion.after, self._clock()
        values = {"name": name, "before": portion.before.reached, "reached": after.reached, "all_to": after.complete_to}
        if not await connection.read(statements.MOVE, {**values, "at": at}):  # another process was faster
            await connection.rollback()
            return True
        if after.gaps != portion.before.gaps:
            await connection.execute((self._statements.remove_gaps, [(name,)]))
            await connection.execute((self._statements.add_gap, [(name, *gap) for gap in after.gaps]))
        await changes.write(connection)
        trimmed_all = await self._trim(connection, at - KEPT)
        await connection.commit()
        return not (portion.is_last and trimmed_all)

    async def _trim(self, connection: WriteConnection, stale_at: datetime) -> bool:
        """Delete old rows that every consumer has processed, a bounded number; return whether that was all of them."""
        ((first, complete_to),) = await connection.read(statements.FIND_PROCESSED, {})
        await connection.execute((self._statements.trim, [(min(complete_to, first + TRIM_ROWS), stale_at)]))
        return bool(complete_to <= first + TRIM_ROWS)

    async def _connected(self) -> WriteConnection:
        if self._connection is None:
            self._connection = await self._store.database.connect_writer()
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()
