"""What is made of a client's address: how much of it is stored, and which addresses count as one client."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

# The usual anonymisation: a network of 256 neighbours, and a site's prefix.
TRUNCATED_BITS = {4: 24, 6: 48}
# A household or a rented server commands a whole /64 of IPv6 addresses.
CLIENT_BITS = {4: 32, 6: 64}
CACHE_ENTRIES = 8192
MAPPED = "::ffff:"

Peer = tuple[str, int]


def address_keeper(storage: Literal["none", "truncated", "full"]) -> Callable[[str], str | None]:
    """Return the function from an address to what is stored of it; from text that is no address, to None."""

    @lru_cache(CACHE_ENTRIES)
    def kept(text: str) -> str | None:
        address = parsed_address(text)
        if address is None or storage == "none":
            return None
        return str(address) if storage == "full" else _network(address, TRUNCATED_BITS)

    return kept


@lru_cache(CACHE_ENTRIES)
def client_key(text: str) -> str:
    """Return what identifies a client by its address: an IPv4 address, an IPv6 /64."""
    address = parsed_address(text)
    return text if address is None else _network(address, CLIENT_BITS)


def unmapped(peer: Peer | None) -> Peer | None:
    """Return a socket's peer; one of IPv4 that a socket of both families names `::ffff:…` gets its own address."""
    return (peer[0].removeprefix(MAPPED), peer[1]) if peer is not None and peer[0].startswith(MAPPED) else peer


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address without its zone, IPv4's own in place of a mapped one; None for any other text."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(address: IPv4Address | IPv6Address, bits: dict[int, int]) -> str:
    rest = address.max_prefixlen - bits[address.version]
    return str(type(address)(int(address) >> rest << rest))
