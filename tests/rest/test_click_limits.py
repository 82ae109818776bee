"""The rate limit: off by default, counted per client, and checked before anything else."""

import json

import pytest

from tests.support.click_apis import CLICK, ClickApi, both_apis, graphql, rest
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway

CLICKED = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
BODY = json.dumps(CLICKED).encode()


async def from_address(gateway: Gateway, address: str) -> int:
    return (await gateway.track(headers={"X-Forwarded-For": address})).status_code


@pytest.mark.slow
@both_apis
async def test_a_client_over_the_limit_gets_retry_after(database_url: str, click_api: ClickApi) -> None:
    async with running_gateway(database_url, click_api, rate_limit="3/hour") as gateway:
        await gateway.link()
        assert [(await gateway.track()).status_code for _ in range(3)] == [200] * 3
        for _ in range(3):
            answer = await gateway.track()
            assert answer.status_code == 429
            assert set(body_of(answer)) <= {"error", "code"}
            assert 1 <= int(answer.headers["Retry-After"]) <= 3600 * 2
        assert len(await gateway.customers()) == await gateway.recorded() == 3


@pytest.mark.slow
async def test_rest_and_graphql_share_a_clients_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/day") as gateway:
        await gateway.link()
        answers = [await click_api(gateway.http, CLICKED, None) for click_api in (graphql, rest, graphql, rest)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


@pytest.mark.slow
async def test_each_click_of_one_request_is_counted(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/day") as gateway:
        await gateway.link()
        click = '%s: trackClick(input: {affiliateUrl: "https://yoursite.com/?aff=PARTNER123"}) { __typename }'
        answer = await gateway.graphql("mutation { " + " ".join(click % name for name in "abcd") + " }")
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}
        assert await gateway.recorded() == 2


@pytest.mark.slow
async def test_a_client_may_send_again_after_retry_after(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="1/day") as gateway:
        await gateway.link()
        await gateway.track()
        assert int((await gateway.track()).headers["Retry-After"]) > 60


@pytest.mark.slow
@both_apis
async def test_each_client_has_its_own_limit(make_sqlite: MakeDatabase, click_api: ClickApi) -> None:
    async with running_gateway(make_sqlite(), click_api, rate_limit="2/day", trusted_proxies="127.0.0.1") as gateway:
        await gateway.link()
        first, second = "203.0.113.1", "203.0.113.2"
        sent = [first, second, first, first, second, second, f"{first}:81", f"::ffff:{first}", f"198.51.100.1, {first}"]
        statuses = [await from_address(gateway, address) for address in sent]
        assert statuses == [200, 200, 200, 429, 200, 429, 429, 429, 429]
        assert await gateway.recorded() == 4


@pytest.mark.slow
async def test_addresses_in_one_ipv6_network_are_one_client(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/day", trusted_proxies="127.0.0.1") as gateway:
        await gateway.link()
        sent = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1", "2001:db8:0:1::1"]
        assert [await from_address(gateway, address) for address in sent] == [200, 200, 429, 200]


@both_apis
async def test_forged_addresses_do_not_evade_the_limit(make_sqlite: MakeDatabase, click_api: ClickApi) -> None:
    async with running_gateway(make_sqlite(), click_api, rate_limit="2/day") as gateway:
        await gateway.link()
        assert [await from_address(gateway, f"203.0.113.{n}") for n in range(4)] == [200, 200, 429, 429]


@pytest.mark.slow
async def test_the_limit_counts_every_request_before_its_body_is_read(make_sqlite: MakeDatabase) -> None:
    faulty = [b"[", b"{}", b" " * 70_000, BODY, b'{"additional_data": {"test_mode": true}}']
    async with running_gateway(make_sqlite(), rate_limit="5/day") as gateway:
        await gateway.link()
        statuses = [(await gateway.send(body)).status_code for body in faulty]
        assert statuses == [400, 400, 413, 200, 200]
        assert [(await gateway.send(body)).status_code for body in faulty] == [429] * 5
        assert await gateway.recorded() == len(await gateway.test_events()) == 1


@pytest.mark.slow
async def test_a_preflight_is_not_counted(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="1/day") as gateway:
        await gateway.link()
        for _ in range(3):
            assert (await gateway.http.options(CLICK)).status_code == 204
            assert (await gateway.http.get(CLICK)).status_code == 405
        assert [(await gateway.track()).status_code, (await gateway.track()).status_code] == [200, 429]
        assert (await gateway.http.options(CLICK)).status_code == 204


@pytest.mark.slow
async def test_without_a_setting_there_is_no_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await gateway.link()
        assert {(await gateway.track()).status_code for _ in range(150)} == {200}
        assert await gateway.recorded() == 150
