"""Hand-written HTTP requests that HTTP libraries would not send."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.gateways import Gateway

CLICK = b'{"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}'
PATH = "/api/v1/track/click"
SECONDS = 10


@asynccontextmanager
async def connection(gateway: Gateway) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    url = gateway.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def request(*headers: str, method: str = "POST", path: str = PATH, body: bytes = CLICK, chunked: bool = False) -> bytes:
    """Return a request whose body is sent in chunks of seven bytes, or with its length."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = [f"{method} {path} HTTP/1.1", "Host: gateway", *headers, *([framing] if body else []), "", ""]
    if chunked:
        chunks = [body[at : at + 7] for at in range(0, len(body), 7)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    return "\r\n".join(head).encode("latin-1") + body


async def status(reader: StreamReader) -> int:
    """Read a response that has a length; return its status."""
    async with asyncio.timeout(SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length: " in head:
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    return int(head.split()[1])


async def exchanged(gateway: Gateway, *requests: bytes) -> list[int]:
    """Send requests at once on one connection; return the statuses of their responses."""
    async with connection(gateway) as (reader, writer):
        writer.write(b"".join(requests))
        return [await status(reader) for _ in requests]
