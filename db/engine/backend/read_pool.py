"""The pool of connections for reading, each lent to one task at a time.

Readers change no session state, so the pool resets nothing between two tasks, which is most of the cost of a general
connection pool.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeAlias, TypeVar

from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.engine.backend import pool_usage
from db.engine.backend.pool_usage import PoolUsage, PoolWaiters


class Closable(Protocol):
    """A connection, as far as the pool is concerned."""

    def is_closed(self) -> bool:
        """Return whether it is of no use any more."""

    def terminate(self) -> None:
        """Close it in the background, whatever it is doing."""


C = TypeVar("C", bound=Closable)
T = TypeVar("T")
Step: TypeAlias = Callable[[C], Awaitable[T]]


class ReadPool(Generic[C]):
    """At most `most` connections, opened on demand; the most recently used is reused first. `is_outage` returns whether
    an error means that the connection, or the whole server, is dead."""

    def __init__(self, connect: Callable[[], Awaitable[C]], is_outage: Callable[[Exception], bool], most: int) -> None:
        self._connect = connect
        self._is_outage = is_outage
        self._most = most
        self._idle: list[C] = []
        self._queue: deque[asyncio.Future[None]] = deque()
        self._in_use = 0
        self._times_dropped = 0
        self._waiting = PoolWaiters()

    @asynccontextmanager
    async def lent(self, first: Step[C, T]) -> AsyncIterator[tuple[C, T]]:
        """Lend a connection after running `first` on it, and yield its result. If the block fails or is cancelled, the
        connection's state is unknown and it is terminated. Raises as `run` does."""
        await self._acquire()
        try:
            connection, result, times_dropped = await self._begin(first)
            try:
                yield connection, result
            except BaseException:
                connection.terminate()
                raise
            self._keep(connection, times_dropped)
        finally:
            self._release()

    async def run(self, step: Step[C, T]) -> T:
        """Run a step on a connection; return its result. If an idle connection turns out to be dead, the step runs
        again on a new one. Raises the driver's errors, and `DatabaseUnavailable` if no connection becomes free."""
        await self._acquire()
        try:
            connection, result, times_dropped = await self._begin(step)
            self._keep(connection, times_dropped)
            return result
        finally:
            self._release()

    async def _acquire(self) -> None:
        if self._in_use < self._most:
            self._in_use += 1
        else:
            with self._waiting.counting():
                await self._wait()

    async def _wait(self) -> None:
        """Wait for a task to hand its place over."""
        # asyncio's semaphore and timeout took a thirtieth of a dashboard's query.
        turn = asyncio.get_running_loop().create_future()
        timer = turn.get_loop().call_later(pool_usage.POOL_SECONDS, _time_out, turn)
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:  # cancelled right after the handover
                self._release()
            raise
        finally:
            timer.cancel()

    def _release(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._in_use -= 1

    def usage(self, name: str) -> PoolUsage:
        """Return the current usage."""
        return PoolUsage(name, self._in_use, len(self._idle), self._waiting.count)

    def drop_idle(self) -> None:
        """Terminate the idle connections, and those in use once they are returned. They are not closed gracefully: an
        unresponsive server would not answer."""
        self._times_dropped += 1
        while self._idle:
            self._idle.pop().terminate()

    def _keep(self, connection: C, times_dropped: int) -> None:
        if times_dropped == self._times_dropped:
            self._idle.append(connection)
        else:
            connection.terminate()

    async def _begin(self, first: Step[C, T]) -> tuple[C, T, int]:
        """Return a connection, what the step on it returned, and how often idle ones had been dropped before it."""
        times_dropped = self._times_dropped
        kept = self._take()
        if kept is not None:
            try:
                return kept, await _taken(first, kept), times_dropped
            except Exception as error:
                if not self._is_outage(error):
                    raise
                # A server restart kills all idle connections.
                self.drop_idle()
                times_dropped = self._times_dropped
        connection = await self._connect()
        return connection, await _taken(first, connection), times_dropped

    def _take(self) -> C | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None


def _time_out(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(PoolTimeout(pool_usage.IN_USE))


async def _taken(step: Step[C, T], connection: C) -> T:
    try:
        return await step(connection)
    except BaseException:
        connection.terminate()
        raise
