"""Visitors: connections that send clicks one after the other and parse each response.

A load generator only counts statuses; here each sender sees its responses, at several thousand per second.
"""

import asyncio
import ipaddress
from asyncio import Future, Protocol, Transport, get_running_loop
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import Any, Self, cast

import msgspec
from httptools import HttpResponseParser

from tests.benchmarks.servers import HOST

PATH = "/api/v1/track/click"
# Longer than the gateway allows for a commit and its retry.
ANSWER_SECONDS = 30
STORE = "https://store.example.com/shoes/trail"


class NoAnswer(ConnectionError):
    """The connection was closed, or timed out, before the response arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and how long it took."""

    status: int
    body: Any
    headers: Mapping[str, str]
    seconds: float


@dataclass(slots=True)
class Visitor(Protocol):
    """A keep-alive connection, with one request at a time."""

    port: int
    _transport: Transport | None = None
    _parser: HttpResponseParser | None = None
    _answer: Future[None] | None = None
    _headers: dict[str, str] = field(default_factory=dict)
    _chunks: list[bytes] = field(default_factory=list)

    async def send(self, request: bytes) -> Answer:
        """Send a request, connecting if necessary; return its response. Raises `NoAnswer`."""
        started = perf_counter()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                transport = self._transport or await self._connect()
                self._headers, self._chunks, self._answer = {}, [], get_running_loop().create_future()
                transport.write(request)
                await self._answer
        except (OSError, TimeoutError) as error:
            self.close()
            raise NoAnswer(str(error) or type(error).__name__) from error
        status = self._parser.get_status_code() if self._parser else 0
        raw = b"".join(self._chunks)
        try:
            body = msgspec.json.decode(raw) if raw else None
        except msgspec.DecodeError:
            body = raw
        return Answer(status, body, self._headers, perf_counter() - started)

    async def _connect(self) -> Transport:
        await get_running_loop().create_connection(lambda: self, HOST, self.port)
        if self._transport is None:
            raise ConnectionError("lost at once")
        return self._transport

    def close(self) -> None:
        """Close the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._parser = cast(Transport, transport), HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("closed"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def request(body: bytes, *, agent: str, address: str) -> bytes:
    """Return a complete request with a body, from a browser at an address."""
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        f"User-Agent: {agent}\r\nX-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def click(code: str, **fields: Any) -> dict[str, Any]:
    """Return the body of a click through a link."""
    return {
        "affiliate_url": f"{STORE}?utm_source=review&aff={code}",
        "page_url": STORE,
        "page_title": "Trail shoes that last: what we would buy again",
        "referrer_url": "https://outdoor-blog.example.org/2026/the-best-trail-shoes",
        "screen_resolution": "2560x1440",
        "viewport_size": "1707x898",
        "language": "en-GB",
        "timezone": "Europe/London",
        **fields,
    }


def any_address(random: Random) -> str:
    """Return an IP address, of either version, that has hardly been seen before."""
    if random.random() < 0.2:
        return str(ipaddress.IPv6Address(0x2001 << 112 | random.getrandbits(112)))
    return str(ipaddress.IPv4Address(random.getrandbits(32)))


def any_agent(random: Random) -> str:
    """Return a user agent that has hardly been seen before."""
    version = f"{random.randrange(60, 150)}.0.{random.randrange(10_000)}.{random.randrange(1000)}"
    system = random.choice(
        (
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 10_15_7",
            f"Linux; Android {random.randrange(8, 16)}; SM-S{random.randrange(1000)}B",
            f"compatible; Crawlbot/{random.randrange(100)}.0; +https://crawler.example.com/bot",
        )
    )
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
