"""Clients that read an export as slowly as they like, and can leave in the middle."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY
from sqlalchemy import insert

from db.schema.clicks import ClickEvent
from db.schema.customers import Customer
from tests.support.bulk_data import START
from tests.support.exports import path_of
from tests.support.gateways import Gateway

# Much less than an export of `make_wide_clicks` has, so that the gateway has to wait for its reader.
BUFFER_BYTES = 64 * 1024
# Far above the ids that a gateway assigns in a test.
FIRST_ID = 10_000_000
LAST_CHUNK = b"0\r\n\r\n"
SECONDS = 10


async def make_wide_clicks(gateway: Gateway, count: int) -> None:
    """Insert clicks of a kilobyte or two."""
    link = await gateway.link()
    shared = {
        "program_id": link["program_id"],
        "partner_id": link["partner_id"],
        "link_id": link["id"],
        "click_id": f"cust_{FIRST_ID}_1",
    }
    rows = [
        {
            **shared,
            "id": FIRST_ID + number,
            "customer_id": FIRST_ID,
            "occurred_at": START + timedelta(seconds=number // 3),
            "affiliate_url": f"https://yoursite.com/?aff=PARTNER123&{'x' * 2000}",
        }
        for number in range(count)
    ]
    async with gateway.store.write() as connection:
        await connection.execute(
            insert(Customer), [{**shared, "id": FIRST_ID, "created_at": START, "last_click_at": START}]
        )
        await connection.execute(insert(ClickEvent), rows)


class SlowReader:
    """A client on a connection that buffers little. It reads only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.received = b""

    async def head(self) -> bytes:
        """Return the head of the response."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def read(self, size: int) -> None:
        """Read so many bytes of the body, as they were sent."""
        async with asyncio.timeout(SECONDS):
            self.received += await self._reader.readexactly(size)

    async def read_to_end(self) -> None:
        """Read until the connection is closed."""
        async with asyncio.timeout(SECONDS):
            while part := await self._reader.read(1 << 16):
                self.received += part

    def rows(self) -> list[dict[str, Any]]:
        """Return the complete rows of what was read."""
        *lines, _ = unchunked(self.received).split(b"\n")
        return [json.loads(line) for line in lines]


@asynccontextmanager
async def slow_reader(gateway: Gateway, token: str, name: str = "clicks", **given: str) -> AsyncIterator[SlowReader]:
    """Ask for an export as JSON lines, and read nothing yet."""
    url = gateway.http.base_url
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, (url.host, url.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=BUFFER_BYTES)
    query = "&".join(f"{key}={value}" for key, value in given.items())
    head = f"GET {path_of(name)}?{query} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    try:
        yield SlowReader(reader, writer)
    finally:
        writer.transport.abort()


def unchunked(body: bytes) -> bytes:
    """Return what the chunks contain, the last of which may be incomplete."""
    found = b""
    while body:
        size, separator, rest = body.partition(b"\r\n")
        if not separator:
            break
        length = int(size, 16)
        found, body = found + rest[:length], rest[length + 2 :]
    return found


def measured(metric: str, **labels: str) -> float:
    """Return the value of a metric."""
    return REGISTRY.get_sample_value(metric, labels) or 0


async def stalled() -> float:
    """Wait until no more rows are exported; return how many have been."""
    rows = -1.0
    async with asyncio.timeout(SECONDS):
        while rows != (rows := measured("clickgate_export_rows_total", list="clicks")):
            await asyncio.sleep(0.3)
    return rows


async def none_running() -> None:
    """Wait until no export is running."""
    async with asyncio.timeout(SECONDS):
        while measured("clickgate_exports_running"):
            await asyncio.sleep(0.01)
