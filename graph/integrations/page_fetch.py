"""Fetches a page of a merchant's site, without becoming a way into the gateway's own network.

A page's address comes from a merchant, and so does what its name resolves to. So the address of each connection is
checked when it is made, redirects included. Little is read, for a few seconds, and nothing of it is shown to anyone.
"""

import asyncio
import codecs
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal
from urllib.parse import urljoin

import aiohttp
from msgspec import Struct

LARGEST_PAGE = 512 * 1024
SECONDS = 10
REDIRECTS = 5
# Networks that lead to IPv4 addresses, which may be private ones: NAT64 and 6to4.
INDIRECT = (IPv6Network("64:ff9b::/96"), IPv6Network("2002::/16"), IPv6Network("2001::/32"))
HEADERS = {
    "User-Agent": "Mozilla/5.0 (compatible; clickgate installation check)",
    "Accept": "text/html,application/xhtml+xml",
    # What is read is bounded, so nothing is to be unpacked to more than that.
    "Accept-Encoding": "identity",
}

Failure = Literal["private_address", "unreachable", "too_many_redirects", "http_error"]


class FetchedPage(Struct, frozen=True):
    """The beginning of a page, with the policies in its headers."""

    url: str
    """Where the last redirect led to."""
    html: bytes
    policies: Sequence[str]
    """The `Content-Security-Policy` headers."""
    encoding: str | None = None
    """What the page's headers say about its encoding, if they do and Python knows it."""


class FetchFailed(Exception):
    """The page could not be read."""

    def __init__(self, reason: Failure, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason: Failure = reason
        self.status = status


class _PrivateAddress(OSError):
    """The page is in a network that is not public."""


async def fetch_page(url: str, *, allow_private: bool) -> FetchedPage:
    """Return a page. Raises `FetchFailed`."""
    try:
        async with asyncio.timeout(SECONDS), _session(allow_private=allow_private) as session:
            return await _follow(session, url)
    except TimeoutError as error:
        raise FetchFailed("unreachable") from error
    except aiohttp.ClientConnectorError as error:
        is_private = isinstance(error.os_error, _PrivateAddress)
        raise FetchFailed("private_address" if is_private else "unreachable") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise FetchFailed("unreachable") from error


def _session(*, allow_private: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(socket_factory=None if allow_private else _public_socket)
    return aiohttp.ClientSession(connector=connector, headers=HEADERS, cookie_jar=aiohttp.DummyCookieJar())


async def _follow(session: aiohttp.ClientSession, url: str) -> FetchedPage:
    for _ in range(REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if 300 <= response.status < 400 and location:
                url = urljoin(url, location)
                continue
            if response.status >= 400:
                raise FetchFailed("http_error", response.status)
            policies = response.headers.getall("Content-Security-Policy", [])
            return FetchedPage(url, await _beginning(response.content), policies, _known(response.charset))
    raise FetchFailed("too_many_redirects")


def _known(encoding: str | None) -> str | None:
    try:
        return None if encoding is None else codecs.lookup(encoding).name
    except LookupError:
        return None


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    while len(read) < LARGEST_PAGE and (chunk := await content.read(LARGEST_PAGE - len(read))):
        read += chunk
    return bytes(read)


def _public_socket(address: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
    """Return a socket for an address, as it was resolved. Raises `_PrivateAddress`."""
    family, kind, protocol, _, (host, *_) = address
    if not is_public(ip_address(str(host).split("%")[0])):
        raise _PrivateAddress
    return socket.socket(family, kind, protocol)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is one of the internet's."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.is_site_local or any(address in network for network in INDIRECT):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved
