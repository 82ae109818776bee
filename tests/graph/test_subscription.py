"""`clickTracked`: who receives which clicks, when and with which fields, and how a subscription ends."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from db.outbox.live_feed import LiveFeed
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import changed, make_world
from tests.support.click_apis import graphql
from tests.support.gateways import PROMISED_SECONDS, Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber, opened, watching

pytestmark = pytest.mark.slow

CODES = ("HERE", "THERE", "SHARED-HERE", "SHARED-THERE")
SHAPE = """
  __typename id number: databaseId pageTitle occurredAt isBot additionalData
  ...Links
  customer { clickId partner { name } clickEvents(first: 1) { totalCount nodes { id } } }
  program { name partners(first: 1) { edges { cursor node { partner { name } } } pageInfo { hasNextPage } } }
"""
LINKS = "fragment Links on ClickEvent { referralLink { code clicks __typename } nothing: city }"


async def test_a_click_arrives_with_the_selected_fields(gateway: Gateway) -> None:
    await gateway.link()
    token = await gateway.token()
    query = f"subscription {{ clickTracked {{ {SHAPE} }} }} {LINKS}"
    async with watching(gateway, token, query=query) as subscriber:
        await gateway.track(page_title="a title", additional_data={"campaign": ["spring ☀"]})
        click = await subscriber.click()
    read = await gateway.graphql(f"{{ clickEvents(first: 1) {{ nodes {{ {SHAPE} }} }} }} {LINKS}", token=token)
    (event,) = read["data"]["clickEvents"]["nodes"]
    assert json.dumps(click) == json.dumps(event)
    assert click["additionalData"] == {"campaign": ["spring ☀"]}


async def test_clicks_of_every_gateway_and_api_arrive_once(database_url: str) -> None:
    async with running_gateway(database_url) as gateway, running_gateway(database_url, graphql) as other:
        await gateway.link()
        token = await gateway.token()
        async with watching(gateway, token) as first, watching(other, token) as second:
            sent = [str(number) for number in range(60)]
            await asyncio.gather(*((gateway, other)[int(n) % 2].track(page_title=n, event_id=n) for n in sent))
            await asyncio.gather(*((other, gateway)[int(n) % 2].track(page_title="again", event_id=n) for n in sent))
            await asyncio.sleep(0.5)
            await other.track(page_title="last")
            for subscriber in (first, second):
                assert Counter(await subscriber.titles("last")) == Counter([*sent, "last"])
        assert await gateway.recorded() > 60


async def test_only_clicks_in_scope_and_matching_the_arguments_arrive(gateway: Gateway) -> None:
    world = await make_world(gateway)
    shared = (await changed(gateway, "issueToken", world.admin, role="PARTNER", partnerId=world.shared))["token"]
    confined = (await changed(gateway, "issueToken", world.owner, role="PARTNER", partnerId=world.shared))["token"]
    cases: list[tuple[str, dict[str, str], set[str]]] = [
        (world.admin, {}, set(CODES)),
        (world.admin, {"programId": world.program}, {"HERE", "SHARED-HERE"}),
        (world.admin, {"linkId": world.link}, {"HERE"}),
        (world.admin, {"programId": world.elsewhere, "linkId": world.foreign_link}, {"THERE"}),
        (world.owner, {}, {"HERE", "SHARED-HERE"}),
        (world.foreign_owner, {"programId": world.elsewhere}, {"THERE", "SHARED-THERE"}),
        (world.partner_token, {}, {"HERE"}),
        (shared, {}, {"SHARED-HERE", "SHARED-THERE"}),
        (shared, {"programId": world.program}, {"SHARED-HERE"}),
        (confined, {}, {"SHARED-HERE"}),
    ]
    nothing = [
        (world.owner, {"programId": world.elsewhere}),
        (world.owner, {"linkId": world.foreign_link}),
        (world.admin, {"programId": world.program, "linkId": world.foreign_link}),
        (world.admin, {"programId": encode_id("Program", 10**17)}),
        (world.partner_token, {"programId": world.elsewhere}),
        (confined, {"programId": world.elsewhere}),
    ]
    async with AsyncExitStack() as stack:
        seeing = [
            (await stack.enter_async_context(watching(gateway, token, min(codes), **named)), codes)
            for token, named, codes in cases
        ]
        blind = [await blindly(stack, gateway, token, named) for token, named in nothing]
        for code in CODES:
            await gateway.track(code, page_title=code)
        for subscriber, codes in seeing:
            clicks = [await subscriber.click() for _ in codes]
            assert {click["pageTitle"] for click in clicks} == codes
            assert all(click["pageTitle"] == click["referralLink"]["code"] for click in clicks)
        await asyncio.sleep(0.5)
        for subscriber in [*blind, *(each for each, _ in seeing)]:
            assert await are_left(subscriber) == []


async def blindly(stack: AsyncExitStack, gateway: Gateway, token: str, named: dict[str, str]) -> Subscriber:
    """Subscribe to what is not within sight, so that no click can tell when it has begun."""
    subscriber = Subscriber(await stack.enter_async_context(opened(str(gateway.http.base_url), token)))
    await subscriber.subscribe(**named)
    return subscriber


async def are_left(subscriber: Subscriber) -> list[str]:
    """Return what has arrived and was not looked at, but for warm-up."""
    found = []
    while True:
        try:
            async with asyncio.timeout(0.05):
                found.append((await subscriber.click())["pageTitle"])
        except TimeoutError:
            return found


async def test_clicks_committed_earlier_do_not_arrive(gateway: Gateway) -> None:
    await gateway.link()
    token = await gateway.token()
    for number in range(3):
        await gateway.track(page_title=f"before {number}")
    async with watching(gateway, token) as subscriber:
        await gateway.track(page_title="last")
        assert await subscriber.titles("last") == ["last"]
        async with watching(gateway, token) as second:
            await gateway.track(page_title="later")
            assert await subscriber.titles("later") == await second.titles("later") == ["later"]
    async with watching(gateway, token) as third:
        await gateway.track(page_title="latest")
        assert await third.titles("latest") == ["latest"]


async def test_an_invalid_token_or_id_starts_no_subscription(gateway: Gateway) -> None:
    await gateway.link()
    url, token = str(gateway.http.base_url), await gateway.token()
    cases: list[tuple[str | None, dict[str, str], str]] = [
        (None, {}, "UNAUTHENTICATED"),
        (None, {"programId": "garbage"}, "UNAUTHENTICATED"),
        (token, {"programId": "garbage"}, "BAD_USER_INPUT"),
        (token, {"linkId": encode_id("Program", 1)}, "BAD_USER_INPUT"),
    ]
    for sent, named, code in cases:
        async with opened(url, sent) as ws:
            subscriber = Subscriber(ws)
            await subscriber.subscribe(**named)
            message = await subscriber.receive()
            errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
            assert [error["extensions"]["code"] for error in errors] == [code]


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_a_subscription_ends_when_its_token_does(gateway: Gateway, how: str) -> None:
    world = await make_world(gateway)
    expires_at = datetime.now(UTC) + timedelta(seconds=3)
    expiry = {"expiresAt": expires_at.isoformat()} if how == "expired" else {}
    issued = await changed(gateway, "issueToken", world.owner, role="PARTNER", partnerId=world.partner, **expiry)
    async with (
        watching(gateway, world.owner, "HERE") as bystander,
        watching(gateway, issued["token"], "HERE") as ending,
    ):
        if how == "revoked":
            await changed(gateway, "revokeToken", world.owner, id=issued["apiToken"]["id"])
        else:
            await asyncio.sleep((expires_at - datetime.now(UTC)).total_seconds())
        ended_at = monotonic()
        assert await ending.end() == "UNAUTHENTICATED"
        await ending.ws.wait_closed()
        assert ending.ws.close_code == 4403
        assert monotonic() - ended_at < PROMISED_SECONDS
        await gateway.track("HERE", page_title="last")
        assert await bystander.titles("last") == ["last"]


async def test_a_token_revoked_while_clicks_arrive_shows_none_after_a_second(gateway: Gateway) -> None:
    world = await make_world(gateway)
    issued = await changed(gateway, "issueToken", world.owner, role="PARTNER", partnerId=world.partner)

    async def keep_clicking() -> None:
        while True:
            await gateway.track("HERE", page_title="more")
            await asyncio.sleep(0.02)

    async with watching(gateway, issued["token"], "HERE") as subscriber:
        clicking = asyncio.create_task(keep_clicking())
        await subscriber.click()
        await changed(gateway, "revokeToken", world.owner, id=issued["apiToken"]["id"])
        async with asyncio.timeout(PROMISED_SECONDS):
            assert await subscriber.end() == "UNAUTHENTICATED"
        clicking.cancel()


async def test_a_subscriber_that_completes_or_disconnects_is_removed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds: list[LiveFeed] = []

    class Remembered(LiveFeed):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            feeds.append(self)

    monkeypatch.setattr("gateway.services.LiveFeed", Remembered)

    async def watchers_are(number: int) -> None:
        async with asyncio.timeout(3):
            while sum(len(feed._watchers) for feed in feeds) != number:
                await asyncio.sleep(0.02)

    async with running_gateway(database_url) as gateway:
        await gateway.link()
        token = await gateway.token()
        async with watching(gateway, token) as completing, watching(gateway, token) as vanishing:
            async with watching(gateway, token):
                await watchers_are(3)
            await watchers_are(2)
            await completing.send("complete")
            await watchers_are(1)
            vanishing.ws.transport.abort()
            await watchers_are(0)
            await completing.subscribe()
            await completing.begin(gateway)
            await watchers_are(1)
            await gateway.track(page_title="last")
            assert await completing.titles("last") == ["last"]
