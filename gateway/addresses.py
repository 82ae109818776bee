"""What is made of a client's address: how much of it is stored, and which addresses count as one client."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal

# The usual anonymisation: a network of 256 neighbours, and a site's prefix.
TRUNCATED_BITS = {4: 24, 6: 48}
# A household or a rented server commands a whole /64 of IPv6 addresses.
CLIENT_BITS = {4: 32, 6: 64}
CACHE_ENTRIES = 8192


def address_keeper(storage: Literal["none", "truncated", "full"]) -> Callable[[str], str | None]:
    """Return the function from an address to what is stored of it; from text that is no address, to None."""

    @lru_cache(CACHE_ENTRIES)
    def kept(text: str) -> str | None:
        address = _address(text)
        if address is None or storage == "none":
            return None
        return str(address) if storage == "full" else _network(address, TRUNCATED_BITS)

    return kept


@lru_cache(CACHE_ENTRIES)
def client_key(text: str) -> str:
    """Return what identifies a client by its address: an IPv4 address, an IPv6 /64."""
    address = _address(text)
    return text if address is None else _network(address, CLIENT_BITS)


def proxy_networks(networks: Iterable[str]) -> list[str]:
    """Return the networks, those of IPv4 also as a socket that listens on both families sees them (`::ffff:…`)."""
    every: list[str] = []
    for text in networks:
        network = ip_network(text)
        every.append(str(network))
        if network.version == 4:
            every.append(f"::ffff:{network.network_address}/{network.prefixlen + 96}")
    return every


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(address: IPv4Address | IPv6Address, bits: dict[int, int]) -> str:
    rest = address.max_prefixlen - bits[address.version]
    return str(type(address)(int(address) >> rest << rest))
