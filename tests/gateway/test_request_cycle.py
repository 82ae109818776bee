"""Responses as bytes on the wire, sent by the application in one part or in several."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from gateway.server.protocol import BoundedProtocol
from tests.support.in_process_servers import running_server

LENGTH = (b"content-length", b"5")
ANSWERS: dict[str, list[Message]] = {
    "/length": [
        {"type": "http.response.start", "status": 200, "headers": [LENGTH]},
        {"type": "http.response.body", "body": b"whole"},
    ],
    "/none": [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"whole"},
    ],
    "/empty": [{"type": "http.response.start", "status": 204, "headers": []}, {"type": "http.response.body"}],
    "/pieces": [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"wh", "more_body": True},
        {"type": "http.response.body", "body": b"ole"},
    ],
    "/last": [
        {"type": "http.response.start", "status": 200, "headers": [LENGTH, (b"connection", b"close")]},
        {"type": "http.response.body", "body": b"whole"},
    ],
    "/short": [
        {"type": "http.response.start", "status": 200, "headers": [LENGTH]},
        {"type": "http.response.body", "body": b"who"},
    ],
    "/injected": [
        {"type": "http.response.start", "status": 200, "headers": [LENGTH, (b"location", b"/\r\nset-cookie: a=b")]},
        {"type": "http.response.body", "body": b"whole"},
    ],
    "/unsaid": [{"type": "http.response.start", "status": 200, "headers": [LENGTH]}],
}


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    for message in ANSWERS[scope["path"]]:
        await send(message)


@asynccontextmanager
async def served(keep_alive: float = 5) -> AsyncIterator[int]:
    options = uvicorn.Config(
        answer, port=0, http=BoundedProtocol, lifespan="off", log_config=None, access_log=False, server_header=False
    )
    options.timeout_keep_alive = keep_alive  # type: ignore[assignment]  # shorter than whole seconds
    async with running_server(options) as port:
        yield port


async def exchanged(*requests: bytes) -> bytes:
    """Send requests one after the other, and return everything received until the server closes the connection."""
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(requests))
        received = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    return b"".join(line for line in received.splitlines(keepends=True) if not line.startswith(b"date: "))


def request(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: gateway", *headers, "", ""]).encode()


LAST = request("/last")
GOODBYE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nwhole"
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole"


@pytest.mark.parametrize("path", ["/length", "/none"])
async def test_a_single_part_response_has_a_length_and_keeps_the_connection(path: str) -> None:
    assert await exchanged(request(path), request(path), LAST) == WHOLE + WHOLE + GOODBYE


async def test_a_response_in_several_parts_is_chunked() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nwh\r\n3\r\nole\r\n0\r\n\r\n"
    assert await exchanged(request("/pieces"), LAST) == chunked + GOODBYE


async def test_an_empty_response_has_no_length() -> None:
    assert await exchanged(request("/empty"), LAST) == b"HTTP/1.1 204 No Content\r\n\r\n" + GOODBYE


async def test_a_head_request_gets_only_the_head() -> None:
    assert await exchanged(request("/length", method="HEAD"), LAST) == WHOLE.removesuffix(b"whole") + GOODBYE


@pytest.mark.parametrize("asked", [request("/length", "Connection: close"), request("/length", version="1.0"), LAST])
async def test_a_connection_closes_when_either_side_asks(asked: bytes) -> None:
    assert await exchanged(asked, request("/length")) == GOODBYE


async def test_a_client_that_expects_100_continue_gets_it() -> None:
    asked = request("/length", "Expect: 100-continue", "Content-Length: 2", method="POST")
    assert await exchanged(asked, b"{}", LAST) == b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE + GOODBYE


@pytest.mark.parametrize("path", ["/short", "/injected", "/unsaid"])
async def test_an_invalid_response_is_an_error(path: str) -> None:
    received = await exchanged(request(path))
    assert received.startswith(b"HTTP/1.1 500 ")
    assert b"set-cookie" not in received
    assert received.endswith(b"connection: close\r\n\r\nInternal Server Error")


@pytest.mark.slow
async def test_only_an_idle_connection_is_closed_after_the_timeout() -> None:
    keep_alive, steps = 0.5, 10
    async with served(keep_alive) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(steps):
            writer.write(request("/length"))
            assert (await reader.readuntil(b"whole")).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(2 * keep_alive / steps)
        answered_at = asyncio.get_running_loop().time()
        assert await asyncio.wait_for(reader.read(), 10) == b""
        assert asyncio.get_running_loop().time() - answered_at > keep_alive / 2
        writer.close()
