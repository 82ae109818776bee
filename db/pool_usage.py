"""How a pool of connections is used at a moment, for operators to see."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from sqlalchemy import QueuePool
from sqlalchemy.ext.asyncio import AsyncEngine


class PoolUsage(NamedTuple):
    """How many connections of a pool are in use and idle, and how many tasks wait for one."""

    pool: str
    in_use: int
    idle: int
    waiting: int


class Waiting:
    """Counts the tasks that wait for a connection, or for one to be opened."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a task for as long as it waits."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


def usage_of(engine: AsyncEngine, waiting: Waiting) -> PoolUsage:
    """Return how SQLAlchemy's pool is used."""
    pool = cast(QueuePool, engine.pool)
    return PoolUsage("general", pool.checkedout(), pool.checkedin(), waiting.count)
