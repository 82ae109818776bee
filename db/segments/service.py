"""What the reports of a process share: the cache of decoded columns, and the turns in which questions are answered."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.engine.store import Store
from db.errors import SegmentDamaged
from db.outbox.consumers import rewind_consumer
from db.segments.builder import ConversionSegmentBuilder, SegmentBuilder
from db.segments.column_cache import ColumnCache
from db.tasks import end

logger = logging.getLogger(__name__)

# Each uses all processors, and a few hundred megabytes at most.
QUESTIONS_AT_ONCE = 1


class QuestionTooLong(Exception):
    """A question was not answered within the time that it may take."""


class SegmentService:
    """Segments as a process uses them. A question may take so many seconds, waiting for its turn included."""

    def __init__(self, store: Store, *, seconds: float) -> None:
        self.cache = ColumnCache()
        self.seconds = seconds
        self._store = store
        self._turns = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        self._removal: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it. Raises `QuestionTooLong`."""
        deadline = asyncio.timeout(self.seconds)
        try:
            async with deadline, self._turns:
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            raise QuestionTooLong from None

    async def make_anew(self, damage: SegmentDamaged) -> None:
        """Remove all segments, and have the gateways make them again from the events, because one is damaged. Reports
        read what is in no segment from the events. With a long history this takes longer than a question may, so it
        goes on when the question is given up. Raises `DatabaseUnavailable`."""
        if self._removal is None or self._removal.done():
            logger.error("segments are made anew from the events, because %s", damage)
            self._removal = asyncio.create_task(self._remove(), name="removal of segments")
        await asyncio.shield(self._removal)

    async def _remove(self) -> None:
        for builder in (SegmentBuilder(self._store), ConversionSegmentBuilder(self._store)):
            await rewind_consumer(self._store, builder)

    async def close(self) -> None:
        """Stop removing segments; the next report that finds one damaged begins again."""
        if self._removal is not None:
            await end(self._removal)
