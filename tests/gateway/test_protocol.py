"""The limits of a connection: endless heads, and requests that never arrive."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence

import pytest
from websockets.asyncio import client
from websockets.typing import Subprotocol

from gateway.server.protocol import BoundedProtocol
from gateway.server.websocket import BoundedSocket
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.graphql_endpoints import served

HEAD = b"POST /api/v1/track/click HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    monkeypatch.setattr("gateway.server.timeouts.REQUEST_SECONDS", 0.5)
    async with running_gateway(make_sqlite()) as running:
        yield running


async def connect(gateway: Gateway) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", gateway.http.base_url.port)


async def test_an_endless_head_is_refused_early(make_sqlite: MakeDatabase) -> None:
    sent = 0

    async def send_head(gateway: Gateway) -> None:
        nonlocal sent
        _, writer = await connect(gateway)
        writer.write(HEAD)
        while sent < 100_000_000:
            writer.write(b"X-Header: %s\r\n" % (b"x" * 1000))
            await writer.drain()
            sent += 1000

    async with running_gateway(make_sqlite()) as gateway:
        with pytest.raises(ConnectionError):
            await send_head(gateway)
    assert sent < 20_000_000  # the limit plus the system's buffers


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"Content-Length: 100\r\n\r\n{", b"POST /api"])
async def test_a_request_that_does_not_arrive_times_out(gateway: Gateway, sent: bytes) -> None:
    reader, writer = await connect(gateway)
    writer.write(sent)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.slow
async def test_a_connection_in_use_stays_open(gateway: Gateway) -> None:
    reader, writer = await connect(gateway)
    for _ in range(4):
        writer.write(HEAD + b"Content-Length: 2\r\n\r\n{}")
        assert b"400" in await reader.readline()
        while not (await reader.read(4096)).endswith(b"}"):
            pass
        await asyncio.sleep(0.4)
    writer.close()


def protocols() -> Sequence[BoundedProtocol]:
    """Return the protocols of this process that are not garbage."""
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, BoundedProtocol)]


@pytest.mark.slow
async def test_a_websocket_does_not_time_out_and_is_cleaned_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.timeouts.REQUEST_SECONDS", 0.2)
    # Connections that were open when the event loop of an earlier test ended.
    others = protocols()
    async with served() as address:
        async with client.connect(f"ws://{address}", subprotocols=[Subprotocol("graphql-transport-ws")]) as ws:
            await asyncio.sleep(0.5)
            await ws.send('{"type": "connection_init"}')
            assert await ws.recv() == '{"type":"connection_ack"}'
        await asyncio.sleep(0.1)
        assert all(any(each is other for other in others) for each in protocols())


async def test_a_websocket_that_its_client_is_closing_does_not_stop_the_server_from_stopping() -> None:
    async with served() as address:
        others = sockets()
        async with client.connect(f"ws://{address}", subprotocols=[Subprotocol("graphql-transport-ws")]):
            (here,) = (each for each in sockets() if not any(each is other for other in others))
            # An empty and masked frame that closes, at the moment at which the server stops.
            here.conn.receive_data(bytes([0x88, 0x80, 0, 0, 0, 0]))
            here.shutdown()


def sockets() -> Sequence[BoundedSocket]:
    """Return the WebSockets of this process."""
    return [each for each in gc.get_objects() if type(each) is BoundedSocket]
