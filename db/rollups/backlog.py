"""How far the rollups are behind: the clicks that wait to be folded, and since when the oldest of them does."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from db.engine.store import Store
from db.rollups.statements import WAITING
from db.schema.rollups import QueuedClicks
from db.sql.compiled_queries import CompiledQuery

# Each has the clicks of a batch. Where more wait, the figures are at least as large as they are told.
MOST_ROWS = 20_000

_waiting = select(QueuedClicks.clicks, QueuedClicks.noted_at).where(WAITING).limit(MOST_ROWS).subquery()
FIND_BACKLOG = CompiledQuery(select(func.coalesce(func.sum(_waiting.c.clicks), 0), func.min(_waiting.c.noted_at)))


@dataclass(frozen=True, slots=True)
class Backlog:
    """Clicks that wait, and the moment at which the first of them was recorded."""

    clicks: int = 0
    oldest: datetime | None = None

    def seconds(self, clock: Callable[[], datetime]) -> float:
        """Return for how long the oldest has waited by now, 0 where none does."""
        return 0 if self.oldest is None else max(0, (clock() - self.oldest).total_seconds())


async def measure_backlog(store: Store) -> Backlog:
    """Return what waits now. Raises `DatabaseUnavailable`."""
    ((clicks, oldest),) = await store.fetch(FIND_BACKLOG)
    return Backlog(int(clicks), oldest)
