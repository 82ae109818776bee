"""A click's client address, from the peer or from trusted proxies: its location, and how much of it is stored."""

from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.support.click_apis import ClickApi, both_apis
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway

PLACES = {
    "127.0.0.0/8": ("XL", "Loop", "Peer"),
    "203.0.113.0/24": ("GB", "England", "Oxford"),
    "198.51.100.0/24": ("AU", "Victoria", "Geelong"),
    "10.0.0.0/8": ("XP", "Private", "Proxy"),
    "2001:db8::/32": ("CA", "Quebec", "Laval"),
}
PEER, OXFORD, GEELONG, PROXY, LAVAL, NOWHERE = "Peer", "Oxford", "Geelong", "Proxy", "Laval", None
FORWARDED: dict[str, tuple[str | None, str | None]] = {
    "203.0.113.9": (OXFORD, "203.0.113.9"),
    "203.0.113.9:50123": (OXFORD, "203.0.113.9"),
    "::ffff:203.0.113.9": (OXFORD, "203.0.113.9"),
    "2001:db8::1": (LAVAL, "2001:db8::1"),
    "2001:0DB8:0::0001": (LAVAL, "2001:db8::1"),
    "[2001:db8::1]": (LAVAL, "2001:db8::1"),
    "[2001:db8::1]:443": (LAVAL, "2001:db8::1"),
    "198.51.100.1, 203.0.113.9": (OXFORD, "203.0.113.9"),
    "203.0.113.9,198.51.100.1": (GEELONG, "198.51.100.1"),
    "203.0.113.9, 127.0.0.1": (OXFORD, "203.0.113.9"),
    "198.51.100.1, 203.0.113.9, 127.0.0.1, 127.0.0.1": (OXFORD, "203.0.113.9"),
    "203.0.113.9, 10.0.0.1": (PROXY, "10.0.0.1"),
    "junk, 203.0.113.9": (OXFORD, "203.0.113.9"),
    "192.0.2.1": (NOWHERE, "192.0.2.1"),
    "": (PEER, "127.0.0.1"),
    "127.0.0.1": (PEER, "127.0.0.1"),
}
JUNK = ["unknown", "_hidden", "203.0.113", "203.0.113.999", "x" * 5000, "203.0.113.9, junk", "[::1", "'", "é", "9" * 40]
ADDRESSES = {
    "203.0.113.9": ("203.0.113.0", "203.0.113.9"),
    "::ffff:203.0.113.9": ("203.0.113.0", "203.0.113.9"),
    "2001:db8:1:2:3:4:5:6": ("2001:db8:1::", "2001:db8:1:2:3:4:5:6"),
    "junk": (None, None),
}


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a city database with a city for each network in these tests."""
    writer = MMDBWriter(6, "GeoIP2-City", ["en"], "test", ipv4_compatible=True)
    for network, (country, region, city) in PLACES.items():
        record: dict[str, Any] = {
            "country": {"iso_code": country},
            "subdivisions": [{"names": {"en": region}}],
            "city": {"names": {"en": city}},
        }
        writer.insert_network(IPSet([network]), record)
    path: Path = tmp_path_factory.mktemp("geo") / "places.mmdb"
    writer.to_db_file(str(path))
    return str(path)


async def located(gateway: Gateway, *forwarded: str) -> tuple[str | None, str | None]:
    """Send a click with these `X-Forwarded-For` headers, and return the stored city and address."""
    answer = await gateway.track(headers=[(b"X-Forwarded-For", value.encode()) for value in forwarded])
    assert answer.status_code == 200
    event = (await gateway.events())[-1]
    return event["city"], event["ip_address"]


@pytest.mark.slow
@both_apis
async def test_a_click_comes_from_the_peer_whatever_it_claims(
    database_url: str, places: str, click_api: ClickApi
) -> None:
    async with running_gateway(database_url, click_api, geoip_db=places, ip_storage="full") as gateway:
        await gateway.link()
        for claimed in ([], ["203.0.113.9"], ["203.0.113.9, 127.0.0.1"], ["junk"]):
            assert await located(gateway, *claimed) == (PEER, "127.0.0.1")
        event = (await gateway.events())[-1]
        assert (event["country"], event["region"], event["city"]) == ("XL", "Loop", "Peer")


async def test_a_peer_outside_the_trusted_proxies_is_not_believed(make_sqlite: MakeDatabase, places: str) -> None:
    trusted = "127.0.0.2,10.0.0.0/8,::1"
    async with running_gateway(make_sqlite(), geoip_db=places, trusted_proxies=trusted, ip_storage="full") as gateway:
        await gateway.link()
        assert await located(gateway, "203.0.113.9") == (PEER, "127.0.0.1")


@pytest.mark.slow
@both_apis
async def test_a_trusted_proxy_is_believed_for_the_nearest_untrusted_address(
    database_url: str, places: str, click_api: ClickApi
) -> None:
    async with running_gateway(
        database_url, click_api, geoip_db=places, trusted_proxies="127.0.0.1", ip_storage="full"
    ) as gateway:
        await gateway.link()
        assert await located(gateway) == (PEER, "127.0.0.1")
        assert {header: await located(gateway, header) for header in FORWARDED} == FORWARDED
        assert await located(gateway, "198.51.100.1", "203.0.113.9") == (OXFORD, "203.0.113.9")
        assert await located(gateway, "203.0.113.9", "127.0.0.1") == (OXFORD, "203.0.113.9")


async def test_an_invalid_address_has_no_location(database_url: str, places: str) -> None:
    async with running_gateway(
        database_url, geoip_db=places, trusted_proxies="127.0.0.1", ip_storage="full"
    ) as gateway:
        await gateway.link()
        assert {junk: await located(gateway, junk) for junk in JUNK} == dict.fromkeys(JUNK, (NOWHERE, None))
        assert await gateway.recorded() == len(JUNK)


async def test_whole_networks_of_proxies_may_be_trusted(make_sqlite: MakeDatabase, places: str) -> None:
    trusted = "127.0.0.0/8, 10.0.0.0/8, 2001:db8:1::/48"
    async with running_gateway(make_sqlite(), geoip_db=places, trusted_proxies=trusted, ip_storage="full") as gateway:
        await gateway.link()
        oxford = (OXFORD, "203.0.113.9")
        assert await located(gateway, "198.51.100.1, 203.0.113.9, 10.1.2.3, 127.9.9.9") == oxford
        assert await located(gateway, "203.0.113.9, 2001:db8:1::5, 10.1.2.3:80") == oxford
        assert await located(gateway, "203.0.113.9, 2001:db8:2::5, 10.1.2.3") == (LAVAL, "2001:db8:2::5")
        assert await located(gateway, "10.1.2.3, 10.1.2.4") == (PROXY, "10.1.2.3")


@both_apis
async def test_a_test_event_has_a_location(make_sqlite: MakeDatabase, places: str, click_api: ClickApi) -> None:
    async with running_gateway(make_sqlite(), click_api, geoip_db=places, trusted_proxies="127.0.0.1") as gateway:
        gateway.http.headers["X-Forwarded-For"] = "203.0.113.9"
        await gateway.track(None, additional_data={"test_mode": True})
        (event,) = await gateway.test_events()
        assert (event["country"], event["city"], event["ip_address"]) == ("GB", "Oxford", "203.0.113.0")


@pytest.mark.parametrize("storage", ["none", "truncated", "full", None])
async def test_an_address_is_stored_as_the_setting_says(
    make_sqlite: MakeDatabase, places: str, storage: str | None
) -> None:
    chosen: dict[str, Any] = {} if storage is None else {"ip_storage": storage}
    async with running_gateway(make_sqlite(), geoip_db=places, trusted_proxies="127.0.0.1", **chosen) as gateway:
        await gateway.link()
        kept = {address: (await located(gateway, address))[1] for address in ADDRESSES}
        position = {"truncated": 0, "full": 1, None: 0}
        assert kept == {
            address: None if storage == "none" else forms[position[storage]] for address, forms in ADDRESSES.items()
        }
        assert [event["city"] for event in await gateway.events()] == [OXFORD, OXFORD, LAVAL, NOWHERE]
