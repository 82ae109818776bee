"""A reverse proxy that serves a gateway under a path prefix, like an operator's nginx."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def reverse_proxy(port: int, prefix: str, *, strips: bool) -> AsyncIterator[str]:
    """Yield the URL, including the prefix, under which the gateway on a port is served. The prefix is stripped from the
    paths that the gateway sees, or kept; requests outside the prefix are rejected."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _pass_on(reader, writer, port, prefix.encode() if strips else b"", prefix.encode())
        writer.close()
        connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{prefix}"
    finally:
        server.close()
        for task in connections:
            task.cancel()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, stripped: bytes, prefix: bytes
) -> None:
    """Forward a request, and everything after it on the connection if it opens a WebSocket."""
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, rest = head.split(b" ", 2)
    if not target.startswith(prefix):
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        return
    if b"upgrade: websocket" not in rest.lower():
        first, _, others = rest.partition(b"\r\n")
        lines = [line for line in others.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        rest = b"\r\n".join([first, b"Connection: close", *lines])
    upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
    upstream_writer.write(b" ".join((method, target.removeprefix(stripped) or b"/", rest)))
    sending = asyncio.create_task(_copy(reader, upstream_writer))
    await _copy(upstream_reader, writer)
    sending.cancel()
    upstream_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
