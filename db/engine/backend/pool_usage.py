"""The usage of the connection pools, and what happens when a pool is exhausted.

Operators see the usage in the metrics, and one log line when a pool runs out of connections.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

from sqlalchemy import QueuePool
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine

from db.errors import DatabaseUnavailable

logger = logging.getLogger(__name__)

# By then the client has given up on the response.
POOL_SECONDS = 10
IN_USE = "all database connections are in use"


class PoolUsage(NamedTuple):
    """How many of a pool's connections are in use and idle, and how many tasks are waiting for one."""

    pool: str
    in_use: int
    idle: int
    waiting: int


class PoolWaiters:
    """The number of tasks that are waiting for one pool to provide or open a connection."""

    def __init__(self) -> None:
        self.count = 0
        self.is_exhausted = False
        """Whether a task timed out, and at least one has been waiting ever since."""

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count the task as waiting during the block. Raises `DatabaseUnavailable` if the pool times out. The first
        timeout is logged, and so is the recovery once no task is waiting."""
        self.count += 1
        try:
            yield
        except PoolTimeout as error:
            if not self.is_exhausted:
                self.is_exhausted = True
                logger.error("no database connection became free within %g seconds: %s", POOL_SECONDS, IN_USE)
            raise DatabaseUnavailable(IN_USE, IN_USE) from error
        finally:
            self.count -= 1
        if self.is_exhausted and not self.count:
            self.is_exhausted = False
            logger.warning("database connections are available again")


def usage_of(engine: AsyncEngine, waiting: PoolWaiters) -> PoolUsage:
    """Return the usage of SQLAlchemy's pool."""
    pool = cast(QueuePool, engine.pool)
    return PoolUsage("general", pool.checkedout(), pool.checkedin(), waiting.count)
