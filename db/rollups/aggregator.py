"""The folder: adds recorded events to the rollups, a few seconds after their commit and apart from it.

Which events wait is told by the queue that every batch writes to in its own transaction; a portion of it is added and
marked in one transaction, too. So each event is added exactly once, whatever the order of commits, and whoever dies.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from time import perf_counter

from db.engine.backend.protocol import WriteConnection
from db.engine.store import Store
from db.errors import DatabaseUnavailable, SchemaOutdated
from db.ingest.registration import find_revision, hold_schema
from db.rollups.aggregation import Cells
from db.rollups.statements import FoldStatements, find_due, find_events, find_waiting, mark
from db.sql.batch_statements import RowValues

logger = logging.getLogger(__name__)

# What many clicks have in common is written once: the longer they are left, the less each of them costs, and the more
# of them a report reads one by one meanwhile.
FOLD_SECONDS = 5
# After a failure: its connection to a file that was replaced keeps everybody from the one that is there now.
RETRY_SECONDS = 1
# As long as a session of the database may idle in a transaction; a portion takes a small part of it.
PORTION_SECONDS = 30
# Of ten thousand clicks each costs three times as much; of more than this, hardly less. Clicks wait for the
# transaction on SQLite, which takes as long as there are different sums: a twentieth of a second.
PORTION_CLICKS = 50_000
# Clicks get their turn on the event loop after so many rows: a millisecond or two of work.
SLICE_ROWS = 250
# About 15 MB of sums; of hostile clicks a portion may have ten times as many.
READY_SLICES = 200
# And this time to themselves after each slice, so that a portion is spread over the time until the next one.
PAUSE_SECONDS = 0.01
# Long enough for everybody who learns of commits from the end of the queue.
WATCHED = timedelta(seconds=30)
# Any number, the same for every gateway: who holds it folds, the others find nothing left to do.
LOCK = 0x636C6B666F6C64


@dataclass(frozen=True, slots=True)
class Portion:
    """Rows of the queue, and what their events add up to."""

    queue_ids: Sequence[int]
    sums: Iterator[Sequence[RowValues]]
    """In slices."""
    is_last: bool


class Folder:
    """Folds what the queue holds, every few seconds; of several gateways on one database, one at a time."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime], portion_clicks: int = PORTION_CLICKS) -> None:
        self._store = store
        self._clock = clock
        self._portion_clicks = portion_clicks
        self._statements = FoldStatements(store.database.engine.dialect)
        self._find_revision = find_revision(store.database.engine.dialect)
        self._connection: WriteConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._pause_seconds = 0.0

    def start(self) -> None:
        """Begin to fold, without haste."""
        self._pause_seconds = PAUSE_SECONDS
        self._task = asyncio.create_task(self._run(), name="folder")

    async def close(self) -> None:
        """Stop folding, and give the connection up. What is not folded yet waits in the queue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._disconnect()

    async def fold_all(self) -> None:
        """Fold until nothing waits any more. Raises `DatabaseUnavailable`."""
        while await self._is_due():
            if not await self.fold():
                await asyncio.sleep(SLICE_ROWS / 1000)

    async def fold(self) -> bool:
        """Fold a portion of what waits; return whether more may be waiting. Raises `DatabaseUnavailable`."""
        try:
            with self._store.outages():
                async with asyncio.timeout(PORTION_SECONDS):
                    return await self._is_due() and await self._fold()
        except BaseException:
            await self._disconnect()
            raise

    async def _run(self) -> None:
        complaint = ""
        while True:
            await asyncio.sleep(RETRY_SECONDS if complaint else FOLD_SECONDS)
            try:
                started = perf_counter()
                while await self.fold():
                    # Under load, at most every other moment is spent on this.
                    await asyncio.sleep(perf_counter() - started)
                    started = perf_counter()
                complaint = ""
            except Exception as error:
                if not complaint:  # once, not every second
                    complaint = str(error)
                    foreseen = isinstance(error, DatabaseUnavailable | SchemaOutdated)
                    logger.warning("rollups are not kept, clicks go on: %s", error, exc_info=not foreseen)

    async def _is_due(self) -> bool:
        """Return whether there is anything to write: an idle gateway writes nothing."""
        async with self._store.read() as connection:
            return await connection.scalar(find_due, {"stale_at": self._clock() - WATCHED}) is not None

    async def _fold(self) -> bool:
        connection = await self._connected()
        if self._store.is_sqlite:
            # Its one writer's turn is taken when the sums are ready: clicks wait meanwhile.
            portion = await self._read(connection)
            async with self._store.turn():
                await connection.begin()
                return await self._write(connection, portion)
        await connection.begin()
        # A version that knows other rollups may have upgraded the schema.
        await hold_schema(connection, self._find_revision)
        ((is_alone,),) = await connection.fetch(self._statements.take_lock, [(LOCK,)])
        if not is_alone:
            await connection.rollback()
            return False
        return await self._write(connection, await self._read(connection))

    async def _read(self, connection: WriteConnection) -> Portion:
        """Sum up the events of the oldest rows in the queue. They never change, and neither do the rows, but for being
        marked; so no snapshot is needed, which would keep a database from tidying up behind the clicks."""
        cells = Cells()
        ids: list[int] = []
        rows = await connection.read(find_waiting, {"rows": self._portion_clicks})
        for part in _parts(rows, self._portion_clicks):
            cells.add(await connection.read(find_events, {"rows": part}))
            ids += part
            await asyncio.sleep(self._pause_seconds)
        sums = await self._made_ready(cells.slices(SLICE_ROWS))
        return Portion(ids, sums, is_last=len(ids) == len(rows) < self._portion_clicks)

    async def _made_ready(self, slices: Iterator[Sequence[RowValues]]) -> Iterator[Sequence[RowValues]]:
        """Return the slices, of which as many are made now as memory should hold: no click waits for that yet."""
        ready = []
        for rows in islice(slices, READY_SLICES):
            ready.append(rows)
            await asyncio.sleep(self._pause_seconds)
        return chain(ready, slices)

    async def _write(self, connection: WriteConnection, portion: Portion) -> bool:
        """Add the sums, and mark the rows of the queue; return whether more may be waiting."""
        at = self._clock()
        marked = await connection.read(mark, {"rows": portion.queue_ids, "at": at})
        if len(marked) < len(portion.queue_ids):  # another folder was faster
            await connection.rollback()
            return True
        for rows in portion.sums:
            await connection.execute((self._statements.add, rows))
            await asyncio.sleep(0)
        await connection.execute((self._statements.forget, [(at - WATCHED,)]))
        await connection.commit()
        return not portion.is_last

    async def _connected(self) -> WriteConnection:
        if self._connection is None:
            self._connection = await self._store.database.connect_writer()
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()


def _parts(rows: Sequence[RowValues], most: int) -> Iterator[Sequence[int]]:
    """Yield the ids of rows of the queue, given with the number of their clicks: some for a slice, and at most so many
    clicks in all; at least one row."""
    part: list[int] = []
    clicks = total = 0
    for id, more in rows:
        if total and total + more > most:
            break
        if part and clicks + more > SLICE_ROWS:
            yield part
            part, clicks = [], 0
        part.append(id)
        clicks += more
        total += more
    if part:
        yield part
