"""The sockets that a gateway listens on, and the signals that stop it."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from db.engine.store import Store
from db.schema.clicks import ClickEvent
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import COMMAND, clickgate, environment, free_port, ready, serving, stop
from tests.support.raw_http import CLICK, PATH

pytestmark = pytest.mark.slow

VISITOR = "203.0.113.9"


async def addresses(url: str) -> list[str | None]:
    store = Store(url)
    async with store.read() as connection:
        found = list(await connection.scalars(select(ClickEvent.ip_address).order_by(ClickEvent.id)))
    await store.close()
    return found


@asynccontextmanager
async def on_unix_socket(
    url: str, path: Path, *arguments: str, **settings: str
) -> AsyncIterator[tuple[subprocess.Popen[bytes], httpx.AsyncClient]]:
    process = subprocess.Popen(
        [COMMAND, "serve", "--uds", str(path), *arguments],
        env=environment(url, **settings),
        stderr=subprocess.DEVNULL,
    )
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", timeout=20) as http:
            await ready(http, "http://gateway", process)
            yield process, http
    finally:
        await stop(process)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM])
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_signal_stops_a_gateway_after_the_request_in_progress(
    make_postgres: MakeDatabase, number: signal.Signals, workers: str
) -> None:
    url = make_postgres()
    await make_link(url)
    async with serving(url, "--workers", workers) as (process, base):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        writer.write(b"POST %b HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), len(CLICK)))
        await asyncio.sleep(0.3)
        os.kill(process.pid, number)
        await asyncio.sleep(1)
        writer.write(CLICK)
        assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"200"
        writer.close()
        assert await asyncio.to_thread(process.wait, 20) in (0, -signal.SIGTERM)


async def test_an_ignored_hangup_stays_ignored(make_sqlite: MakeDatabase) -> None:
    port = free_port()
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", str(port)],
        env=environment(make_sqlite()),
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    try:
        async with httpx.AsyncClient() as http:
            await ready(http, f"http://127.0.0.1:{port}", process)
            process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.5)
            assert (await http.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
    finally:
        await stop(process)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_one_socket_accepts_ipv4_and_ipv6(make_postgres: MakeDatabase, workers: str) -> None:
    url = make_postgres()
    await make_link(url)
    options: dict[str, Any] = {"trusted_proxies": "127.0.0.0/8", "ip_storage": "full"}
    async with (
        serving(url, "--host", "::", "--workers", workers, **options) as (_, base),
        httpx.AsyncClient(timeout=20) as http,
    ):
        port = base.rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            assert (await http.post(f"http://{host}:{port}{PATH}", content=CLICK)).status_code == 200
        forwarded = {"X-Forwarded-For": f"{VISITOR}, 127.0.0.2"}
        assert (await http.post(f"http://127.0.0.1:{port}{PATH}", content=CLICK, headers=forwarded)).status_code == 200
        assert (await http.post(f"http://[::1]:{port}{PATH}", content=CLICK, headers=forwarded)).status_code == 200
    assert sorted(map(str, await addresses(url))) == ["127.0.0.1", VISITOR, "::1", "::1"]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_unix_socket_is_served_and_removed(make_postgres: MakeDatabase, tmp_path: Path, workers: str) -> None:
    url, path = make_postgres(), tmp_path / "gateway.sock"
    await make_link(url)
    async with on_unix_socket(url, path, "--workers", workers, ip_storage="full") as (process, http):
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        forwarded = {"X-Forwarded-For": VISITOR}
        assert (await http.post(PATH, content=CLICK, headers=forwarded)).status_code == 200
        refused = await asyncio.to_thread(clickgate, url, "serve", "--uds", str(path))
        assert refused.returncode == 1
        assert "another process is listening" in refused.stderr
        await stop(process)
        assert not path.exists()
    assert await addresses(url) == [None]


async def test_a_proxy_on_a_unix_socket_is_believed_if_trusted(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    url, path = make_sqlite(), tmp_path / "gateway.sock"
    await make_link(url)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    async with on_unix_socket(url, path, ip_storage="full", trusted_proxies="unix,10.0.0.0/8") as (_, http):
        forwarded = {"X-Forwarded-For": f"{VISITOR}, 10.0.0.1"}
        assert (await http.post(PATH, content=CLICK, headers=forwarded)).status_code == 200
    assert await addresses(url) == [VISITOR]


def test_a_file_that_is_not_a_socket_is_left_alone(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("kept")
    done = clickgate(make_sqlite(), "serve", "--uds", str(path))
    assert done.returncode == 1
    assert str(path) in done.stderr.splitlines()[-1]
    assert path.read_text() == "kept"


def test_a_port_in_use_is_reported_in_one_line(make_sqlite: MakeDatabase) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = clickgate(make_sqlite(), "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "Address already in use" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_uds_cannot_be_combined_with_an_address(make_sqlite: MakeDatabase) -> None:
    done = clickgate(make_sqlite(), "serve", "--uds", "x.sock", "--port", "80")
    assert done.returncode == 2
    assert "--uds" in done.stderr
