"""Handles client addresses: parses them, truncates them for storage, and groups them for the rate limit."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

# The usual anonymisation: an IPv4 network of 256 addresses, and a site's IPv6 prefix.
TRUNCATED_BITS = {4: 24, 6: 48}
# A household or a rented server has a whole /64 of IPv6 addresses.
CLIENT_BITS = {4: 32, 6: 64}
CACHE_ENTRIES = 8192
MAPPED = "::ffff:"

Peer = tuple[str, int]


def address_keeper(storage: Literal["none", "truncated", "full"]) -> Callable[[str], str | None]:
    """Return a function that maps an address to what is stored of it, and any other text to None."""

    @lru_cache(CACHE_ENTRIES)
    def kept(text: str) -> str | None:
        address = parsed_address(text)
        if address is None or storage == "none":
            return None
        return str(address) if storage == "full" else _network(address, TRUNCATED_BITS)

    return kept


@lru_cache(CACHE_ENTRIES)
def client_key(text: str) -> str:
    """Return the key that identifies a client by its address: the IPv4 address, or the /64 of an IPv6 address."""
    address = parsed_address(text)
    return text if address is None else _network(address, CLIENT_BITS)


def unmapped(peer: Peer | None) -> Peer | None:
    """Return a socket's peer with an IPv4-mapped address (`::ffff:…`, from a dual-stack socket) turned into IPv4."""
    return (peer[0].removeprefix(MAPPED), peer[1]) if peer is not None and peer[0].startswith(MAPPED) else peer


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """Parse an address without its zone, turning an IPv4-mapped one into IPv4. Return None for any other text."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(address: IPv4Address | IPv6Address, bits: dict[int, int]) -> str:
    rest = address.max_prefixlen - bits[address.version]
    return str(type(address)(int(address) >> rest << rest))
