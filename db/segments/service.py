"""What the reports of a process share: the cache of decoded columns, and the turns in which questions are answered."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from sqlalchemy import select

from db.engine.store import Store
from db.errors import SegmentDamaged
from db.outbox.consumers import rewind_consumer
from db.schema.dropped import ClickHorizon
from db.segments.builder import ConversionSegmentBuilder, SegmentBuilder
from db.segments.column_cache import ColumnCache
from db.sql.compiled_queries import CompiledQuery
from db.tasks import end

logger = logging.getLogger(__name__)

# Each uses all processors, and a few hundred megabytes at most.
QUESTIONS_AT_ONCE = 1
# For so long, another segment that is damaged is taken for one that cannot be made anew.
AGAIN_SECONDS = 600
HORIZON = CompiledQuery(select(ClickHorizon.first_id))


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
        self._has_dropped = False
        self._again_at = 0.0

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
        goes on when the question is given up. Raises `DatabaseUnavailable`, and the damage itself where it cannot be
        mended: a segment of a month that was dropped stays."""
        if self._has_dropped and monotonic() < self._again_at:
            raise damage
        if self._removal is None or self._removal.done():
            logger.error("segments are made anew from the events, because %s", damage)
            self._removal = asyncio.create_task(self._remove(), name="removal of segments")
        await asyncio.shield(self._removal)

    async def _remove(self) -> None:
        for builder in (SegmentBuilder(self._store), ConversionSegmentBuilder(self._store)):
            await rewind_consumer(self._store, builder)
        self._has_dropped = bool(await self._store.fetch(HORIZON, {}))
        self._again_at = monotonic() + AGAIN_SECONDS

    async def close(self) -> None:
        """Stop removing segments; the next report that finds one damaged begins again."""
        if self._removal is not None:
            await end(self._removal)
