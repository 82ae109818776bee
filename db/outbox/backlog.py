"""How far the consumers of the outbox are behind: the events that each has yet to process, and since when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, or_, select

from db.engine.backend.protocol import Source
from db.engine.store import Store
from db.outbox.conditions import is_ahead_of
from db.outbox.history import unlisted_events
from db.schema.outbox import OutboxConsumer, OutboxRange
from db.sql.compiled_queries import CompiledQuery

# Each has the events of a transaction. Where more rows wait, the real figures are larger.
MOST_ROWS = 20_000
CONSUMERS = CompiledQuery(select(OutboxConsumer.name))


@dataclass(frozen=True, slots=True)
class Backlog:
    """About how many events wait for a consumer, and when the first of those in the log was recorded."""

    events: int = 0
    oldest: datetime | None = None

    def seconds(self, clock: Callable[[], datetime]) -> float:
        """Return for how long the oldest has waited by now, 0 where none does."""
        return 0 if self.oldest is None else max(0, (clock() - self.oldest).total_seconds())


def _backlog_of(consumer: str) -> CompiledQuery:
    row = OutboxRange
    for_it = or_(row.consumer.is_(None), row.consumer == literal(consumer))
    waiting = select(row.events, row.recorded_at).where(is_ahead_of(consumer), for_it).limit(MOST_ROWS).subquery()
    events = func.coalesce(func.sum(waiting.c.events), 0) + unlisted_events(literal(consumer))
    return CompiledQuery(select(events, func.min(waiting.c.recorded_at)))


class Backlogs:
    """Measures the backlog of each consumer; keeps the queries, which do not change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queries: dict[str, CompiledQuery] = {}

    async def measure(self) -> dict[str, Backlog]:
        """Return what waits now, by the consumer's name. Raises `DatabaseUnavailable`."""
        async with self._store.snapshot() as source:
            names = [name for (name,) in await source.fetch(CONSUMERS, {})]
            self._queries = {name: self._queries.get(name) or _backlog_of(name) for name in names}
            return {name: await _measured(source, query) for name, query in self._queries.items()}


async def _measured(source: Source, query: CompiledQuery) -> Backlog:
    ((events, oldest),) = await source.fetch(query, {})
    return Backlog(int(events), oldest)
