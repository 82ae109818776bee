"""Connection limits: many connections, clients that do not read, malformed requests, and the limit on open files."""

import asyncio
import socket

import pytest
from prometheus_client import REGISTRY
from websockets.exceptions import InvalidStatus

from gateway.server import connection_limits
from tests.support.connection_crowd import crowd
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.graphql_sockets import opened
from tests.support.raw_http import connection, request, status

SCRIPT = request(method="GET", path="/js/tracker.js", body=b"")


async def metric(gateway: Gateway, name: str) -> float:
    lines = (await gateway.http.get("/metrics")).text.splitlines()
    return sum(float(line.removeprefix(f"{name} ")) for line in lines if line.startswith(f"{name} "))


async def foreign_connections(gateway: Gateway) -> float:
    """Return how many connections other gateways in this process have open, because the gauge counts for the process.
    Their event loops are idle meanwhile. One connection to this gateway makes the request."""
    return await metric(gateway, "clickgate_connections") - 1


async def test_idle_connections_make_room_for_clicks(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), connections="20") as gateway:
        await gateway.link()
        foreign = await foreign_connections(gateway)
        evicted = await metric(gateway, 'clickgate_connections_dropped_total{reason="evicted"}')
        async with crowd(gateway.http.base_url.port or 0, 200):
            assert (await gateway.track()).status_code == 200
            # Evicted connections are counted until the event loop closes them.
            async with asyncio.timeout(2):
                while await metric(gateway, "clickgate_connections") > foreign + 20:
                    await asyncio.sleep(0.01)
            assert await metric(gateway, 'clickgate_connections_dropped_total{reason="evicted"}') > evicted
        assert (await gateway.track()).status_code == 200


async def test_connections_that_arrive_at_once_are_limited_as_well(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), connections="20") as gateway:
        foreign = await foreign_connections(gateway)
        # The kernel completes them while the event loop is busy here, so that one iteration accepts many.
        address = ("127.0.0.1", gateway.http.base_url.port or 0)
        waiting = [socket.create_connection(address) for _ in range(200)]
        async with asyncio.timeout(2):
            # Read past HTTP: the client's idle connection is the first to be evicted.
            while (REGISTRY.get_sample_value("clickgate_connections") or 0) != foreign + 20:
                await asyncio.sleep(0.01)
        for client in waiting:
            client.close()


@pytest.mark.slow
async def test_a_connection_is_counted_exactly_as_long_as_it_is_open(
    make_sqlite: MakeDatabase,
) -> None:
    async with running_gateway(make_sqlite(), connections="8") as gateway:
        base, port = str(gateway.http.base_url), gateway.http.base_url.port or 0
        foreign = await foreign_connections(gateway)
        async with opened(base, None), opened(base, None):
            assert await metric(gateway, "clickgate_connections") == foreign + 3
        async with opened(base, None) as vanishing:
            vanishing.transport.abort()
        with pytest.raises(InvalidStatus):
            async with opened(f"{base}/nowhere", None):
                pass
        async with crowd(port, 50), crowd(port, 2, b"GET / HTTP/9.9\r\n\r\n"):
            pass
        async with asyncio.timeout(10):
            while await metric(gateway, "clickgate_connections") != foreign + 1:
                await asyncio.sleep(0.01)


@pytest.mark.slow
async def test_a_request_in_progress_survives_a_crowd_of_connections(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), connections="8") as gateway:
        await gateway.link()
        async with connection(gateway) as (reader, writer):
            async with gateway.held():
                writer.write(request())
                async with crowd(gateway.http.base_url.port or 0, 50):
                    await asyncio.sleep(0.3)
            assert await status(reader) == 200


async def test_websockets_leave_room_for_clicks(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), connections="12") as gateway:
        base = str(gateway.http.base_url)
        opening = [opened(base, None) for _ in range(6)]
        for each in opening:
            await each.__aenter__()
        with pytest.raises(Exception, match="503"):
            async with opened(base, None):
                pass
        assert (await gateway.http.get("/healthz")).status_code == 200
        for each in opening:
            await each.__aexit__(None, None, None)


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_disconnected(
    make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.timeouts.UNREAD_SECONDS", 0.5)
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        reason = 'clickgate_connections_dropped_total{reason="unread"}'
        before = await metric(gateway, reason)
        async with crowd(gateway.http.base_url.port or 0, 20, SCRIPT * 3000):
            assert (await gateway.track()).status_code == 200
            async with asyncio.timeout(60):
                while await metric(gateway, reason) < before + 20:
                    await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_pipelined_requests_wait_unparsed(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway, connection(gateway) as (reader, writer):
        ahead = 5000
        writer.write(b"GET /nothing HTTP/1.1\r\n\r\n" * ahead + request("Connection: close", method="GET", body=b""))
        answers = await asyncio.wait_for(reader.read(), 60)
        assert answers.count(b"HTTP/1.1 404") == ahead
        assert answers.count(b"HTTP/1.1 405") == 1


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
        (b"hello\r\n\r\n", [400]),
        (b"GET / HTTP/9.9\r\n\r\n", [400]),
        (b"GET \xff HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", [400]),
        (b"POST /api/v1/track/click HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", [400]),
        (request(body=b"[") + b"\x00garbage", [400, 400]),
        (request(body=b"[") + request(body=b"[", chunked=True)[:-5] + b"zz\r\n", [400, 400]),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, [431]),
    ],
)
async def test_malformed_requests_are_answered_in_order_and_not_logged(
    make_sqlite: MakeDatabase, caplog: pytest.LogCaptureFixture, sent: bytes, expected: list[int]
) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        caplog.clear()
        counted = await metric(gateway, "clickgate_malformed_requests_total")
        async with connection(gateway) as (reader, writer):
            writer.write(sent)
            assert [await status(reader) for _ in expected] == expected
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert await metric(gateway, "clickgate_malformed_requests_total") == counted + (expected != [431])
        assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


async def test_endless_trailers_are_refused(make_sqlite: MakeDatabase) -> None:
    async def send_trailers(gateway: Gateway) -> None:
        async with connection(gateway) as (_, writer):
            writer.write(request(body=b"{}", chunked=True).removesuffix(b"\r\n") + b"X: ")
            for _ in range(2000):
                writer.write(b"x" * 10_000)
                await writer.drain()

    async with running_gateway(make_sqlite()) as gateway:
        with pytest.raises(ConnectionError):
            await send_trailers(gateway)


def test_new_connections_are_refused_without_another_scan_if_none_is_idle() -> None:
    class Busy:
        looks = 0

        def waiting_since(self) -> float | None:
            self.looks += 1
            return None

    busy = Busy()
    limits = connection_limits.ConnectionLimits(most=1)
    assert [limits.admit({busy, object()}) for _ in range(5)] == [False] * 5
    assert busy.looks == 1
