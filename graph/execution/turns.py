"""Spreads requests that block the event loop for milliseconds over its iterations.

Reading a GraphQL document or answering introspection takes tens of milliseconds, and decoding the longest body takes
two. If a thousand clients send one each, the event loop would process all of them in a single iteration, and a click
that arrives meanwhile and needs about ten iterations would wait for minutes. A semaphore does not help, because work
that never awaits releases it before the next request asks for it.
"""

import asyncio
from collections import deque
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import Receive

# Once this much of an iteration has passed, further requests wait for the next one.
ITERATION_SECONDS = 0.01
# In a queue as short as this, nobody watches for clients that disconnect: it would cost more than it saves.
SHORT_QUEUE = 32


class Turns:
    """Starts as many requests per iteration of the event loop as fit into the time, but at least one. The others wait
    in order of arrival."""

    def __init__(self, seconds: float = ITERATION_SECONDS) -> None:
        self._seconds = seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._began_at: float | None = None

    async def take(self, receive: Receive | None = None) -> None:
        """Return when it is the caller's turn. If `receive` is given, the body must have been read; raises
        `ClientDisconnect` if the client disconnects while waiting in a long queue."""
        if not self._waiting and self._has_time():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if receive is None or len(self._waiting) <= SHORT_QUEUE:
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
    leaving = asyncio.create_task(disconnected(receive))
    try:
        await asyncio.wait((turn, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not turn.done():
            raise ClientDisconnect
    finally:
        turn.cancel()
        leaving.cancel()


async def disconnected(receive: Receive) -> None:
    """Return once the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
