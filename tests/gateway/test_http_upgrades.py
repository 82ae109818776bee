"""Requests with an `Upgrade` header (RFC 9110, section 7.8): except for WebSocket handshakes, they are served as if the
header were absent."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.raw_http import CLICK, PATH, connection, exchanged, request, status

UPGRADES = ["h2c", "websocket", "WebSocket", "h2c, websocket", "TLS/1.0, HTTP/2.0", "", "x" * 3000]
CONNECTIONS = ["Upgrade", "upgrade, HTTP2-Settings", "keep-alive, Upgrade", "close, upgrade"]
HANDSHAKE = ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket")
JAVA = """
import java.net.URI;
import java.net.http.*;

public class Post {
    public static void main(String[] arguments) throws Exception {
        HttpRequest.BodyPublisher body = HttpRequest.BodyPublishers.ofString(arguments[1]);
        HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0])).POST(body).build();
        System.out.print(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
}
"""


@pytest.fixture(scope="module")
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    """Handshakes reach no database, so that one serves all tests of them."""
    async with running_gateway(make_sqlite()) as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("extra", [(), HANDSHAKE, ("HTTP2-Settings: AAMAAABkAAQAAP__",)])
async def test_a_click_with_an_upgrade_keeps_its_body(
    make_sqlite: MakeDatabase, chunked: bool, extra: tuple[str, ...]
) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        for upgrade, asked in product(UPGRADES, CONNECTIONS):
            click = request(f"Connection: {asked}", f"Upgrade: {upgrade}", *extra, chunked=chunked)
            assert await exchanged(gateway, click) == [200], (upgrade, asked)
        assert await gateway.recorded() == len(UPGRADES) * len(CONNECTIONS)


@pytest.mark.slow
async def test_requests_before_and_after_an_upgrade_are_answered_in_order(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        asking = request("Connection: Upgrade", "Upgrade: h2c")
        bad = request("Connection: Upgrade", "Upgrade: websocket", *HANDSHAKE, body=b"[", chunked=True)
        health = request(*WEBSOCKET, *HANDSHAKE, method="GET", path="/healthz", body=b"")
        assert (
            await exchanged(gateway, *[request(), asking, bad, health, asking] * 20) == [200, 200, 400, 200, 200] * 20
        )
        assert await gateway.recorded() == 60


async def test_an_upgrade_that_arrives_byte_by_byte_is_served(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        async with connection(gateway) as (reader, writer):
            for byte in request("Connection: Upgrade", "Upgrade: h2c", chunked=True):
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(0)
            assert await status(reader) == 200


async def test_an_upgrade_with_expect_100_continue_gets_it(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway, connection(gateway) as (reader, writer):
        await gateway.link()
        head, _, body = request("Connection: Upgrade", "Upgrade: h2c", "Expect: 100-continue").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await status(reader) == 100
        writer.write(body)
        assert await status(reader) == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("GET", "/healthz", (*WEBSOCKET, *HANDSHAKE), 200),
        ("GET", "/nothing", (*WEBSOCKET, *HANDSHAKE), 404),
        ("OPTIONS", PATH, (*WEBSOCKET, *HANDSHAKE), 204),
        ("DELETE", PATH, ("Connection: upgrade", "Upgrade: h2c"), 405),
        ("GET", "/graphql", ("Connection: upgrade", "Upgrade: h2c", *HANDSHAKE), 400),
        ("GET", "/graphql", WEBSOCKET, 400),
        ("GET", "/graphql", (*WEBSOCKET, HANDSHAKE[0]), 400),
        ("GET", "/graphql", (*WEBSOCKET, HANDSHAKE[1]), 400),
        ("GET", "/graphql", (*WEBSOCKET, "Sec-WebSocket-Version: 8", HANDSHAKE[1]), 400),
        ("GET", "/graphql", (*WEBSOCKET, HANDSHAKE[0], "Sec-WebSocket-Key: short"), 400),
        ("CONNECT", "gateway:443", ("Connection: keep-alive",), 405),
    ],
)
async def test_an_incomplete_handshake_is_answered(
    gateway: Gateway, method: str, path: str, headers: tuple[str, ...], expected: int
) -> None:
    assert await exchanged(gateway, request(*headers, method=method, path=path, body=b"")) == [expected]


@pytest.mark.parametrize("offer", ["websocket", "WEBSOCKET", "h2c, websocket", "websocket, h2c"])
async def test_a_handshake_opens_a_websocket(gateway: Gateway, offer: str) -> None:
    headers = ("Connection: keep-alive, Upgrade", f"Upgrade: {offer}", *HANDSHAKE)
    asked = request(*headers, "Sec-WebSocket-Protocol: graphql-transport-ws", method="GET", path="/graphql", body=b"")
    assert await exchanged(gateway, asked) == [101]


async def test_curl_with_an_http2_upgrade_records_its_click(make_sqlite: MakeDatabase) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        url = f"{gateway.http.base_url}{PATH}"
        for more in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
            options = ["-s", "--http2", "-o", "/dev/null", "-w", "%{http_code}", *more, "-d", CLICK.decode(), url]
            done = await asyncio.to_thread(subprocess.run, ["curl", *options], capture_output=True, text=True)
            assert done.stdout == "200"
        assert await gateway.recorded() == 3


@pytest.mark.slow
async def test_java_httpclient_records_its_click(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    if shutil.which("java") is None or shutil.which("javac") is None:
        pytest.skip("there is no Java")
    (tmp_path / "Post.java").write_text(JAVA)
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        command = ["java", str(tmp_path / "Post.java"), f"{gateway.http.base_url}{PATH}", CLICK.decode()]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert done.stdout == "200", done.stderr
        assert await gateway.recorded() == 1
