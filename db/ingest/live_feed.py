"""The live feed: which clicks were committed, by whichever process, for those who watch.

It reads the end of the queue that every batch adds to, and only while somebody watches. Who falls behind misses clicks
rather than hold anybody up, and none comes twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeAlias

from sqlalchemy import bindparam, func, select

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.schema.rollups import QueuedClicks
from db.sql.compiled_queries import CompiledQuery

logger = logging.getLogger(__name__)

# Soon enough to look live.
POLL_SECONDS = 0.25
# After a silent failover, no answer comes on the old connections.
READ_SECONDS = 5
# A batch may become visible after others that took later rows; none lags behind this many.
LATE_ROWS = 2000
# Batches that may wait for one watcher.
WAITING_BATCHES = 256

LATEST = CompiledQuery(select(func.coalesce(func.max(QueuedClicks.id), 0)))
SINCE = CompiledQuery(
    select(QueuedClicks.id, QueuedClicks.program_id, QueuedClicks.first_id, QueuedClicks.last_id)
    .where(QueuedClicks.id > bindparam("row"))
    .order_by(QueuedClicks.id)
)


class Committed(NamedTuple):
    """Clicks of one program that were committed together: all events of the program with these ids."""

    program_id: int
    first_id: int
    last_id: int


Watcher: TypeAlias = asyncio.Queue[Committed]


class Feed:
    """Tells watchers what was committed since they began to watch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._watchers: set[Watcher] = set()
        self._seen: set[int] = set()
        self._polling = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Watcher]:
        """Give a queue that whatever is committed from now on is put into. Raises `DatabaseUnavailable`."""
        watcher: Watcher = asyncio.Queue(WAITING_BATCHES)
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
        latest = max(self._seen, default=None)
        with self._store.outages():
            async with asyncio.timeout(READ_SECONDS), self._store.snapshot() as snapshot:
                if latest is None:
                    latest = (await snapshot.fetch(LATEST, {}))[0][0]
                found = await snapshot.fetch(SINCE, {"row": latest - LATE_ROWS})
        news = [Committed(*row[1:]) for row in found if row[0] not in self._seen]
        self._seen = {row[0] for row in found}
        return news
