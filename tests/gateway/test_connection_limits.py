"""Crowds of connections, clients that do not read, garbage, and a limit on open files."""

import asyncio
import json
import resource
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from gateway.server import connection_limits, file_descriptors
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.graphql_sockets import opened
from tests.support.processes import COMMAND, environment, free_port, ready, serving, stop
from tests.support.raw_http import CLICK, PATH, connection, request, status

SCRIPT = request(method="GET", path="/js/tracker.js", body=b"")


async def metric(gateway: Gateway, name: str) -> float:
    lines = (await gateway.http.get("/metrics")).text.splitlines()
    return sum(float(line.removeprefix(f"{name} ")) for line in lines if line.startswith(f"{name} "))


@asynccontextmanager
async def crowd(port: int, size: int, sent: bytes = b"") -> AsyncIterator[list[socket.socket]]:
    """Open many connections that send something and never read."""
    opened: list[socket.socket] = []
    try:
        for _ in range(size):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(5)
            await asyncio.to_thread(client.connect, ("127.0.0.1", port))
            client.setblocking(False)
            with suppress(OSError):  # it was dropped already, or has no room for all of it
                client.send(sent)
            opened.append(client)
        yield opened
    finally:
        for client in opened:
            client.close()


async def foreign_connections(gateway: Gateway) -> float:
    """Return how many connections other gateways of this process have open, whose event loops stand still meanwhile:
    the gauge is the process's. The gateway's own is the one that asks."""
    return await metric(gateway, "clickgate_connections") - 1


async def test_idle_connections_make_room_for_clicks(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), connections="20") as gateway:
        await gateway.link()
        foreign = await foreign_connections(gateway)
        evicted = await metric(gateway, 'clickgate_connections_dropped_total{reason="evicted"}')
        async with crowd(gateway.http.base_url.port or 0, 200):
            assert (await gateway.track()).status_code == 200
            # Those that were evicted are counted until the event loop comes round to closing them.
            async with asyncio.timeout(2):
                while await metric(gateway, "clickgate_connections") > foreign + 20:
                    await asyncio.sleep(0.01)
            assert await metric(gateway, 'clickgate_connections_dropped_total{reason="evicted"}') > evicted
        assert (await gateway.track()).status_code == 200


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


@pytest.mark.slow
@pytest.mark.parametrize("limit", [64, 100, 256])
async def test_a_gateway_recovers_from_running_out_of_descriptors_at_start(
    make_sqlite: MakeDatabase, tmp_path: Path, limit: int
) -> None:
    url, port, log = make_sqlite(), free_port(), tmp_path / "log"
    await make_link(url)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND, "serve", "--port", str(port)],
            env=environment(url),
            stderr=output,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
        )
    base = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(20):
            while True:
                with closing(socket.socket()) as first:
                    if first.connect_ex(("127.0.0.1", port)) == 0:
                        break
                await asyncio.sleep(0.01)
        async with crowd(port, 500), httpx.AsyncClient(base_url=base, timeout=10) as http:
            assert (await http.post(PATH, content=CLICK)).status_code == 200
        async with httpx.AsyncClient(base_url=base, timeout=10) as http:
            await ready(http, base, process)
            assert (await http.post("/graphql", json={"query": "{ __typename }"})).status_code == 200
            assert (await http.post(PATH, content=CLICK)).status_code == 200
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [line["level"] for line in lines if line["logger"] == "gateway.server.connection_limits"] == ["warning"]
        assert not [line for line in lines if line["level"] == "error"]
    finally:
        await stop(process)


@pytest.mark.slow
def test_a_too_low_limit_on_open_files_is_reported(make_sqlite: MakeDatabase) -> None:
    done = subprocess.run(
        [COMMAND, "serve", "--port", "0"],
        env=environment(make_sqlite()),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)),
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("clickgate: the limit on open files is 40")


@pytest.mark.slow
async def test_the_soft_limit_is_raised_to_the_hard_limit(make_sqlite: MakeDatabase) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        async with serving(make_sqlite()) as (process, _):
            assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_descriptor_exhaustion_is_told_apart_from_other_errors() -> None:
    assert file_descriptors.is_exhaustion(OSError(24, "Too many open files"))
    assert file_descriptors.is_exhaustion(ImportError("libx.so: Too many open files"))
    assert not file_descriptors.is_exhaustion(ImportError("it is broken"))
    wrapped = RuntimeError("no schema")
    wrapped.__cause__ = OSError(23, "Too many open files in system")
    assert file_descriptors.is_exhaustion(wrapped)


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
