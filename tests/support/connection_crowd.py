"""Many connections at once, from clients that never read, for tests of the limits on connections."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def crowd(port: int, size: int, sent: bytes = b"") -> AsyncIterator[list[socket.socket]]:
    """Open many connections that send data and never read."""
    opened: list[socket.socket] = []
    try:
        for _ in range(size):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(5)
            await asyncio.to_thread(client.connect, ("127.0.0.1", port))
            client.setblocking(False)
            with suppress(OSError):  # already dropped, or the buffers are full
                client.send(sent)
            opened.append(client)
        yield opened
    finally:
        for client in opened:
            client.close()
