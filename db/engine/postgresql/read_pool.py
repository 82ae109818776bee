"""PostgreSQL connections that stay open for reading, each lent to one task at a time.

They keep nothing between two tasks that would have to be reset, which is most of what a general pool's turn costs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

from asyncpg import Connection
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.engine.backend import pool_usage
from db.engine.backend.pool_usage import PoolUsage, PoolWaiters

T = TypeVar("T")
Step: TypeAlias = Callable[[Connection], Awaitable[T]]


class ReadPool:
    """At most so many connections, opened when they are needed; those used last are used again first. `is_away` tells
    whether an error means that a connection, or all of the server, is dead."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], is_away: Callable[[Exception], bool], most: int
    ) -> None:
        self._connect = connect
        self._is_away = is_away
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []
        self._in_use = 0
        self._waiting = PoolWaiters()

    @asynccontextmanager
    async def lent(self, first: Step[T]) -> AsyncIterator[tuple[Connection, T]]:
        """Lend a connection on which a first step was taken, and give what came of that. Where it shows that a kept
        connection is dead, the step is taken again on a new one. A connection is cut off where the block fails or is
        cancelled, for nobody knows what it is in the middle of then. Raises `DatabaseUnavailable` where none becomes free, and
        what the driver does."""
        with self._waiting.one_more():
            await self._acquire()
        self._in_use += 1
        try:
            connection, result = await self._begin(first)
            try:
                yield connection, result
            except BaseException:
                connection.terminate()
                raise
            self._idle.append(connection)
        finally:
            self._in_use -= 1
            self._free.release()

    async def _acquire(self) -> None:
        try:
            async with asyncio.timeout(pool_usage.POOL_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise PoolTimeout(pool_usage.IN_USE) from error

    def usage(self, name: str) -> PoolUsage:
        """Return how many are in use now."""
        return PoolUsage(name, self._in_use, len(self._idle), self._waiting.count)

    def drop_idle(self) -> None:
        """Cut off those that nobody uses; they are not closed in peace, as a silent server would not answer."""
        while self._idle:
            self._idle.pop().terminate()

    async def _begin(self, first: Step[T]) -> tuple[Connection, T]:
        kept = self._take()
        if kept is not None:
            try:
                return kept, await _taken(first, kept)
            except Exception as error:
                if not self._is_away(error):
                    raise
                # A restarted server leaves all of them dead.
                self.drop_idle()
        connection = await self._connect()
        return connection, await _taken(first, connection)

    def _take(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None


async def _taken(step: Step[T], connection: Connection) -> T:
    try:
        return await step(connection)
    except BaseException:
        connection.terminate()
        raise
