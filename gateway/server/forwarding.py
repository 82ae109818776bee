"""Finds the client of a request behind trusted proxies, from their `X-Forwarded-For`.

Each proxy appends the address that it sees, so only the right end of the list comes from proxies; the client may have
sent the rest. `Forwarded` (RFC 7239) is ignored: a proxy that sets one of the two headers passes the other through
unchanged, so trusting both would let any client choose its address.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from starlette.types import Scope

from gateway.configuration.settings import UNIX
from gateway.lookups.addresses import CACHE_ENTRIES, parsed_address

# The longest address, with brackets, quotes, a zone and a port.
LONGEST_ELEMENT = 96
# A visitor's header is short and the same in each request. Longer ones are not cached, which bounds the cache's size.
CACHED_LENGTH = 2 * LONGEST_ELEMENT
PORT = re.compile(r":[0-9]*")
SCHEMES = {"http": "ws", "https": "wss"}

# The result for a list without elements.
UNNAMED = ""

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The trusted proxies: addresses, networks, and `unix` for any peer on the Unix socket."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(text) for text in trusted if text != UNIX]
        self._trusts_unix = UNIX in trusted
        self._trusts_peer = lru_cache(CACHE_ENTRIES)(lambda host: self._trusts(parsed_address(host)))
        self._cached_client = lru_cache(CACHE_ENTRIES)(self._client)

    def resolve(self, scope: Scope) -> None:
        """Set a request scope's client and scheme from the headers of trusted proxies. The client becomes None if the
        nearest proxy names no address."""
        peer = scope.get("client")
        if not (self._trusts_unix if peer is None else self._trusts_peer(peer[0])):
            return
        values: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                values.append(value)
            elif name == b"x-forwarded-proto":
                scheme = value.split(b",")[0].strip().decode("latin-1").lower()
                if scheme in SCHEMES:
                    scope["scheme"] = scheme if scope["type"] == "http" else SCHEMES[scheme]
        if values:
            forwarded = b",".join(values)
            find = self._cached_client if len(forwarded) <= CACHED_LENGTH else self._client
            client = find(forwarded)
            if client != UNNAMED:
                scope["client"] = None if client is None else (client, 0)

    def _client(self, forwarded: bytes) -> str | None:
        """Return the rightmost address that is not a trusted proxy's, or the leftmost one if all are. Return None if
        that element is not an address, and `UNNAMED` for a list without elements."""
        client: Address | None = None
        elements = [element for part in forwarded.split(b",") if (element := part.strip(b" \t"))]
        for element in reversed(elements):
            client = _element(element) if len(element) <= LONGEST_ELEMENT else None
            if not self._trusts(client):
                break
        return (str(client) if client else None) if elements else UNNAMED

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _element(element: bytes) -> Address | None:
    """Return the address in an element of the list, which may have quotes, brackets, a zone and a port."""
    text = element.decode("latin-1").strip('" \t')
    if text.startswith("["):
        text, bracket, port = text[1:].partition("]")
        return parsed_address(text) if bracket and (not port or PORT.fullmatch(port)) else None
    if text.count(":") == 1:
        text, colon, port = text.partition(":")
        return parsed_address(text) if PORT.fullmatch(colon + port) else None
    return parsed_address(text)
