"""How a pool of connections is used at a moment, for operators to see, and what happens when all of it is."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from sqlalchemy import QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from db.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)

# Whoever waits longer for a connection has given up on the answer.
POOL_SECONDS = 10
IN_USE = "all connections to the database are in use"


class PoolUsage(NamedTuple):
    """How many connections of a pool are in use and idle, and how many tasks wait for one."""

    pool: str
    in_use: int
    idle: int
    waiting: int


class PoolWaiters:
    """Counts the tasks that wait for a connection of one pool, or for one to be opened."""

    def __init__(self) -> None:
        self.count = 0
        self.is_exhausted = False
        """Whether the pool gave up on a task, and somebody has waited ever since."""

    @contextmanager
    def one_more(self) -> Iterator[None]:
        """Count a task for as long as it waits. Where the pool gives up on it, raises `DatabaseUnavailable`; the log has one
        line when that begins, and one when nobody waits any more."""
        self.count += 1
        try:
            yield
        except PoolTimeout as error:
            if not self.is_exhausted:
                self.is_exhausted = True
                logger.error("no connection to the database became free within %g seconds: %s", POOL_SECONDS, IN_USE)
            raise DatabaseUnavailable(IN_USE, IN_USE) from error
        finally:
            self.count -= 1
        if self.is_exhausted and not self.count:
            self.is_exhausted = False
            logger.warning("connections to the database are free again")


def usage_of(engine: AsyncEngine, waiting: PoolWaiters) -> PoolUsage:
    """Return how SQLAlchemy's pool is used."""
    pool = cast(QueuePool, engine.pool)
    return PoolUsage("general", pool.checkedout(), pool.checkedin(), waiting.count)
