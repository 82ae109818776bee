"""The live feed: tells subscribers which clicks were committed, by any process.

It is a consumer of the outbox that keeps its position in memory: it begins at the end of the log, and reads only while
somebody watches. A watcher that falls behind misses clicks rather than hold anybody up, and none comes twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import and_, bindparam, func, literal_column, select

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.outbox.conditions import CLICK
from db.outbox.position import Position, Transactions
from db.schema.outbox import OutboxRange
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among
from db.tasks import end

logger = logging.getLogger(__name__)

# Soon enough to look live.
POLL_SECONDS = 0.25
# After a silent failover, no answer comes on the old connections.
READ_SECONDS = 5
# A transaction may commit after others that took later rows of the log; no batch is as late as this.
LATE_ROWS = 2000
# Batches that may wait for one watcher.
WAITING_BATCHES = 256

LATEST = CompiledQuery(select(func.coalesce(func.max(OutboxRange.id), 0)))
_row = (OutboxRange.id, OutboxRange.program_id, OutboxRange.first_id, OutboxRange.last_id)
_is_click = and_(OutboxRange.kind == literal_column(f"'{CLICK}'"), OutboxRange.consumer.is_(None))
SINCE = CompiledQuery(select(*_row, _is_click).where(OutboxRange.id > bindparam("row")).order_by(OutboxRange.id))
IN_GAPS = CompiledQuery(
    select(*_row, _is_click).where(among(OutboxRange.id, bindparam("ids", type_=Ids))).order_by(OutboxRange.id)
)


class Committed(NamedTuple):
    """Clicks of one program that were committed together: all events of the program with these ids."""

    program_id: int
    first_id: int
    last_id: int


Watcher: TypeAlias = asyncio.Queue[Committed]


class LiveFeed:
    """Tells watchers what was committed since they began to watch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: set[Watcher] = set()
        self._position: Position | None = None
        self._polling = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            await end(self._task)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watcher]:
        """Give a queue that whatever is committed from now on is put into. Raises `DatabaseUnavailable`."""
        watcher: Watcher = asyncio.Queue(WAITING_BATCHES)
        if not self._watchers:
            self._position = None
        await self._poll(newcomer=watcher)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_polling(), name="live feed")
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    async def _keep_polling(self) -> None:
        complaint = ""
        while self._watchers:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._poll()
                complaint = ""
            except Exception as error:
                if not complaint:  # once, not four times a second
                    complaint = str(error)
                    foreseen = isinstance(error, DatabaseUnavailable)
                    logger.warning("the live feed pauses: %s", error, exc_info=not foreseen)

    async def _poll(self, newcomer: Watcher | None = None) -> None:
        """Tell those who watch what became visible since the last time; a newcomer begins after that."""
        async with self._polling:
            for committed in await self._news():
                for watcher in self._watchers:
                    if not watcher.full():
                        watcher.put_nowait(committed)
            if newcomer is not None:
                self._watchers.add(newcomer)

    async def _news(self) -> list[Committed]:
        with self._store.outages():
            async with asyncio.timeout(READ_SECONDS):
                return await self._read()

    async def _read(self) -> list[Committed]:
        fetch, database = self._store.fetch, self._store.database
        before = self._position
        if before is None:
            before = Position(max(0, (await fetch(LATEST))[0][0] - LATE_ROWS))
        # It takes a cluster some time to tell. Ids that lack a row are asked about when they still do next time.
        oldest_running = await database.oldest_running() if before.gaps or not database.is_cluster else 0
        found: list[Any] = []
        if before.gaps:
            earliest = before.reached - LATE_ROWS
            ids = [id for gap in before.gaps for id in range(max(gap.first_id, earliest), gap.last_id + 1)]
            found += await fetch(IN_GAPS, {"ids": ids})
        found += await fetch(SINCE, {"row": before.reached})
        transactions = Transactions(oldest_running, await database.next_number())
        self._position = before.advanced([row[0] for row in found], transactions, read_all=True)
        return [Committed(*row[1:4]) for row in found if row[4]]
