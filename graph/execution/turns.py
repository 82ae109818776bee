"""Turns on the event loop, for requests that hold it for milliseconds in one piece.

Reading a GraphQL document takes tens of milliseconds, and so does introspection; decoding the longest body takes two.
When a thousand clients send one each, the event loop would run all of them in a single iteration, and a click that
arrives meanwhile, and needs about ten iterations, would wait for minutes. A semaphore does not help: a piece of work
that never waits releases it before the next one asks.
"""

import asyncio
from collections import deque
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import Receive

# How much of one iteration may pass before the next request waits for the next iteration.
ITERATION_SECONDS = 0.01


class Turns:
    """Starts as many requests in one iteration of the event loop as fit into the time, but at least one. The others
    wait, first come, first served."""

    def __init__(self, seconds: float = ITERATION_SECONDS) -> None:
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._began_at: float | None = None

    async def take(self, receive: Receive | None = None) -> None:
        """Return when it is the caller's turn. Given the `receive` of a request whose body was read, raise
        `ClientDisconnect` if the client leaves meanwhile."""
        if not self._waiting and self._has_time():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if receive is None:
            await turn
        else:
            await _unless_gone(turn, receive)

    def _has_time(self) -> bool:
        if self._began_at is None:
            self._begin()
            return True
        return perf_counter() < self._began_at + self._seconds

    def _begin(self) -> None:
        self._began_at = perf_counter()
        asyncio.get_running_loop().call_soon(self._next_iteration)

    def _next_iteration(self) -> None:
        self._began_at = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._begin()
                return


async def _unless_gone(turn: asyncio.Future[None], receive: Receive) -> None:
    leaving = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait((turn, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            raise ClientDisconnect
    finally:
        turn.cancel()
        leaving.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
