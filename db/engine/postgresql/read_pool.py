"""The pool of PostgreSQL connections for reading, each lent to one task at a time.

Readers change no session state, so the pool resets nothing between two tasks, which is most of the cost of a general
connection pool.
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
    """At most `most` connections, opened on demand; the most recently used is reused first. `is_outage` returns whether
    an error means that the connection, or the whole server, is dead."""

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], is_outage: Callable[[Exception], bool], most: int
    ) -> None:
        self._connect = connect
        self._is_outage = is_outage
        self._free = asyncio.Semaphore(most)
        self._idle: list[Connection] = []
        self._in_use = 0
        self._waiting = PoolWaiters()

    @asynccontextmanager
    async def lent(self, first: Step[T]) -> AsyncIterator[tuple[Connection, T]]:
        """Lend a connection after running `first` on it, and yield its result. If an idle connection turns out to be
        dead, `first` runs again on a new one. If the block fails or is cancelled, the connection's state is unknown and
        it is terminated. Raises the driver's errors, and `DatabaseUnavailable` if no connection becomes free."""
        with self._waiting.counting():
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
        """Return the current usage."""
        return PoolUsage(name, self._in_use, len(self._idle), self._waiting.count)

    def drop_idle(self) -> None:
        """Terminate the idle connections. They are not closed gracefully: an unresponsive server would not answer."""
        while self._idle:
            self._idle.pop().terminate()

    async def _begin(self, first: Step[T]) -> tuple[Connection, T]:
        kept = self._take()
        if kept is not None:
            try:
                return kept, await _taken(first, kept)
            except Exception as error:
                if not self._is_outage(error):
                    raise
                # A server restart kills all idle connections.
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
