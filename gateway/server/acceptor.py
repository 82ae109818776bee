"""Accepts pending connections in bulk.

The event loop accepts one connection per iteration, and each iteration also serves all open connections, so the last of
a thousand new connections would wait for a thousand iterations. Here, each connection that the loop accepts triggers
accepting those that wait behind it.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable

import uvicorn

AT_ONCE = 64


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration together with the listening sockets. Each worker process gets a copy."""

    listeners: Iterable[socket.socket] = ()


class Acceptor:
    """Accepts pending connections from the listening sockets, at most once per iteration of the event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()
        self._has_accepted = False

    def accept(self, listeners: Iterable[socket.socket], make: Callable[[], asyncio.Protocol], room: int) -> None:
        """Accept at most `room` connections, and create a protocol for each with `make`."""
        if self._has_accepted:
            return
        loop = asyncio.get_running_loop()
        self._has_accepted = True
        loop.call_soon(self._next_iteration)
        for listener in listeners:
            for _ in range(min(AT_ONCE, room - len(self._tasks))):
                accepted = _accepted(listener)
                if accepted is None:
                    break
                task: asyncio.Task[object] = loop.create_task(_connect(loop, make, accepted))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _next_iteration(self) -> None:
        self._has_accepted = False


def _accepted(listener: socket.socket) -> socket.socket | None:
    try:
        listener.setblocking(False)
        accepted, _ = listener.accept()
    except OSError:
        return None  # none is pending, no file descriptor is left, or the gateway is stopping
    accepted.setblocking(False)
    if accepted.family != getattr(socket, "AF_UNIX", None):
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    return accepted


async def _connect(
    loop: asyncio.AbstractEventLoop, make: Callable[[], asyncio.Protocol], accepted: socket.socket
) -> None:
    try:
        await loop.connect_accepted_socket(make, accepted)
    except OSError:
        accepted.close()  # the client has already disconnected
