"""The client's address behind trusted proxies, also in malformed headers."""

import pytest

from gateway.server.forwarding import TrustedProxies
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.raw_http import connection, request, status

PROXIES = TrustedProxies(["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"])
VISITOR, OTHER, SIXTH = "203.0.113.9", "198.51.100.1", "2001:db8::1"


def resolved(*forwarded: str, peer: str | None = "127.0.0.1", proxies: TrustedProxies = PROXIES) -> str | None:
    """Return the client of a request with these `X-Forwarded-For` headers."""
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    scope = {"type": "http", "scheme": "http", "client": None if peer is None else (peer, 5000), "headers": headers}
    proxies.resolve(scope)
    client: tuple[str, int] | None = scope["client"]  # type: ignore[assignment]
    return None if client is None else client[0]


@pytest.mark.parametrize(
    "forwarded",
    [
        *(f"{VISITOR}, ", f"{VISITOR},", f"{VISITOR} , ,, ", f", {VISITOR}", f"\t{VISITOR}\t,\t", f" {VISITOR} "),
        *(f"{VISITOR}:1234", f'"{VISITOR}"', f'"{VISITOR}:1234"', f"{VISITOR}:", f"::ffff:{VISITOR}"),
        *(f"[::ffff:{VISITOR}]:443", f"::FFFF:{VISITOR}", f"::ffff:{VISITOR}%eth0"),
        *(f"{OTHER}, {VISITOR}", f"unknown, {VISITOR}", f"junk;, {VISITOR}:1, ", f"{'x' * 5000},{VISITOR}"),
        *(f"{VISITOR}, 10.0.0.1", f"{VISITOR}, 10.0.0.1:80, , [2001:db8:1::5]:443", f"{VISITOR}, ::ffff:127.0.0.1, "),
    ],
)
def test_the_visitor_is_found_in_a_damaged_header(forwarded: str) -> None:
    assert resolved(forwarded) == VISITOR
    assert resolved(forwarded, "") == VISITOR
    assert resolved(OTHER, forwarded, " , ") == VISITOR


@pytest.mark.parametrize("forwarded", ["[2001:db8::1]:443", "2001:DB8:0::0001", "[2001:db8::1]", '"[2001:db8::1%1]:9"'])
def test_ipv6_addresses_are_normalised(forwarded: str) -> None:
    assert resolved(forwarded) == SIXTH


@pytest.mark.parametrize(
    "forwarded",
    [
        *(
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.999",
            "[2001:db8::1",
            "2001:db8::1]",
            "é",
            "9" * 40,
            "x" * 5000,
        ),
        *(f"{VISITOR}, unknown", f"{VISITOR}, junk", f"{VISITOR}:port", f"{VISITOR} {OTHER}", "unknown, 10.0.0.1"),
        *(f"[{VISITOR}]x", "for=203.0.113.9", "::ffff:203.0.113.999", "203.0.113.9/24"),
    ],
)
def test_without_an_address_from_the_proxy_there_is_none(forwarded: str) -> None:
    assert resolved(forwarded) is None


def test_without_a_visitors_address_the_outermost_proxy_is_the_client() -> None:
    for forwarded in ([], [""], [" , "], ["", "\t"]):
        assert resolved(*forwarded) == "127.0.0.1"
    assert resolved("10.0.0.2, 10.0.0.1") == "10.0.0.2"


def test_an_untrusted_peer_is_not_believed() -> None:
    assert resolved(VISITOR, peer=OTHER) == OTHER
    assert resolved(VISITOR, peer=None) is None


def test_a_unix_socket_peer_is_trusted_if_the_settings_say_so() -> None:
    trusting = TrustedProxies(["unix", "10.0.0.0/8"])
    assert resolved(f"{VISITOR}, 10.0.0.1", peer=None, proxies=trusting) == VISITOR
    assert resolved(peer=None, proxies=trusting) is None
    assert resolved(VISITOR, peer="127.0.0.1", proxies=trusting) == "127.0.0.1"


@pytest.mark.slow
async def test_a_trailer_field_is_not_a_header(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), trusted_proxies="127.0.0.1", ip_storage="full") as gateway:
        await gateway.link()
        click = request(chunked=True).removesuffix(b"0\r\n\r\n") + b"0\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
        async with connection(gateway) as (reader, writer):
            writer.write(click)
            assert await status(reader) == 200
        assert (await gateway.events())[0]["ip_address"] == "127.0.0.1"


async def test_the_address_behind_a_damaged_header_is_stored(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), trusted_proxies="127.0.0.1", ip_storage="full") as gateway:
        await gateway.link()
        for forwarded in (f"{VISITOR}, ,", f"{OTHER}, {VISITOR}:99,"):
            await gateway.track(headers=[(b"X-Forwarded-For", forwarded.encode())])
        assert {event["ip_address"] for event in await gateway.events()} == {VISITOR}
