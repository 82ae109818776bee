"""Connections: whatever a request was like, the next one on the same connection is served."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway

CLICK = b'{"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}'
LIMIT = 64 * 1024
HEAD = b"POST /api/v1/track/click HTTP/1.1\r\nHost: gateway\r\n"
BODIES = [
    *(b"", b"null", b"[", b"\xff\xfe", b"\0" * 100, b'{"a": NaN}', b"[" * LIMIT, b'{"a":' * 10_000),
    *(b'{"affiliate_url": 5}', b'{"additional_data": {"test_mode": true, "program_id": "x"}}', b" " * LIMIT),
    *(b" " * (LIMIT + 1), b"\xff" * (LIMIT * 4), CLICK.ljust(LIMIT * 20)),
]


@asynccontextmanager
async def connection(gateway: Gateway) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    url = gateway.http.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


def declared(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes) -> bytes:
    chunks = [body[start : start + 5000] for start in range(0, len(body), 5000)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"


async def answered(reader: StreamReader) -> int:
    """Read a response and return its status."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower()
    if b"content-length: " in head:
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    return int(head.split()[1])


async def exchanged(gateway: Gateway, requests: list[bytes]) -> list[int]:
    """Send requests on one connection, each after the response to the one before it."""
    async with connection(gateway) as (reader, writer):
        statuses = []
        for request in requests:
            writer.write(request)
            statuses.append(await answered(reader))
            await writer.drain()
        return statuses


@pytest.mark.slow
async def test_a_connection_serves_a_click_after_any_body(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        for coded in (declared, chunked):
            for body in BODIES:
                statuses = await exchanged(gateway, [coded(body), coded(CLICK), coded(body), declared(CLICK)])
                assert (body[:20], statuses[1], statuses[3]) == (body[:20], 200, 200)
                assert statuses[0] == statuses[2] in (400, 413)
        assert await gateway.recorded() == 4 * len(BODIES)


async def test_pipelined_clicks_are_answered_in_order(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        async with connection(gateway) as (reader, writer):
            writer.write(b"".join([declared(CLICK), declared(b"["), chunked(CLICK), declared(b" " * (LIMIT + 1))] * 3))
            assert [await answered(reader) for _ in range(12)] == [200, 400, 200, 413] * 3
        assert await gateway.recorded() == 6


async def test_a_click_interrupted_midway_records_nothing(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        for sent in (declared(CLICK)[:-1], chunked(CLICK)[:-5], HEAD, declared(CLICK.ljust(LIMIT))[:-1]):
            async with connection(gateway) as (_, writer):
                writer.write(sent)
                await writer.drain()
        assert (await gateway.track()).status_code == 200
        assert await gateway.recorded() == 1
