"""Following a list loses nothing: no cursor passes a click that was received earlier but is committed later."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import update

from db.schema.clicks import ClickEvent
from db.schema.id_blocks import IdBlock
from db.schema.links import ReferralLink
from tests.support.databases import MakeDatabase
from tests.support.following_clients import Follower, events_in, of_customers, track
from tests.support.gateways import Gateway, running_gateway

TWO_LISTS = """{
  clickEvents(first: 5) { totalCount nodes { id } }
  all: clickEvents(orderBy: {direction: ASC}) { totalCount }
}"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
async def two(make_postgres: MakeDatabase) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two gateways on one database, with the links SLOW and FAST of the same program."""
    url = make_postgres()
    async with running_gateway(url) as first, running_gateway(url) as second:
        program = await first.program()
        for code in ("SLOW", "FAST"):
            await first.link(code, program=program, partner=await first.partner(name=code))
        yield first, second


@asynccontextmanager
async def held(gateway: Gateway, code: str) -> AsyncIterator[None]:
    """Prevent clicks of a link from being committed, by locking the link's counter."""
    async with gateway.store.write() as connection:
        await connection.execute(
            update(ReferralLink).where(ReferralLink.code == code).values(clicks=ReferralLink.clicks)
        )
        yield


async def under_way(gateway: Gateway, clicks: int) -> None:
    """Wait until a number of transactions are waiting for a lock."""
    async with asyncio.timeout(5):
        while True:
            async with gateway.store.read() as connection:
                if (await connection.exec_driver_sql(WAITING)).scalar_one() >= clicks:
                    return
            await asyncio.sleep(0.02)


async def followers(gateway: Gateway) -> list[Follower]:
    """Return a follower for each way to follow the clicks of all links."""
    token = await gateway.token()
    in_program = await gateway.token("program", program_id=1)
    return [
        Follower(gateway, token, "OCCURRED_AT"),
        Follower(gateway, token, "ID"),
        Follower(gateway, in_program, "OCCURRED_AT"),
        Follower(gateway, token, "OCCURRED_AT", is_backward=True),
        Follower(gateway, token, "ID", is_backward=True),
    ]


async def test_a_click_committed_late_is_not_skipped(two: tuple[Gateway, Gateway]) -> None:
    slow, fast = two
    following = await followers(fast)
    async with held(slow, "SLOW"):
        late = asyncio.create_task(track(slow, "SLOW"))
        await under_way(slow, 1)
        for _ in range(4):
            await track(fast, "FAST")
        await asyncio.sleep(1)  # longer than the interval at which watermarks are stored
        for follower in following:
            assert await follower.catch_up() == [], follower
    await late
    for follower in following:
        await follower.until(5)
        assert follower.ids == await events_in(fast, getattr(ClickEvent, follower.order.lower())), follower


async def test_a_click_committed_late_is_not_skipped_in_a_nested_list(two: tuple[Gateway, Gateway]) -> None:
    slow, fast = two
    token = await fast.token()
    click_id = await track(fast, "FAST")
    parents = ('referralLink(code: "FAST") { LIST }', f'customer(clickId: "{click_id}") {{ LIST }}')
    following = [Follower(fast, token, "OCCURRED_AT", template=parent) for parent in parents]
    following += [Follower(fast, token, "ID", template=parent) for parent in parents]
    for follower in following:
        await follower.until(1)
    async with slow.store.write() as connection:  # the slow gateway cannot reserve ids for its click
        await connection.execute(update(IdBlock).values(next_id=IdBlock.next_id))
        late = asyncio.create_task(track(slow, "FAST", existing_click_id=click_id))
        await under_way(slow, 1)
        await track(fast, "FAST", existing_click_id=click_id)
        await asyncio.sleep(1)
        for follower in following[:2]:
            assert await follower.catch_up() == []
        for follower in following[2:]:
            assert len(await follower.catch_up()) == 1
    await late
    for follower in following:
        await follower.until(3)
        assert follower.ids == await events_in(fast, getattr(ClickEvent, follower.order.lower()))


async def test_the_latest_clicks_appear_at_once_in_descending_order(two: tuple[Gateway, Gateway]) -> None:
    slow, fast = two
    token = await fast.token()
    async with held(slow, "SLOW"):
        late = asyncio.create_task(track(slow, "SLOW"))
        await under_way(slow, 1)
        await track(fast, "FAST")
        answer = (await fast.graphql(TWO_LISTS, token=token))["data"]
        assert len(answer["clickEvents"]["nodes"]) == answer["clickEvents"]["totalCount"] == 1
        assert answer["all"]["totalCount"] == 1
    await late


async def test_a_customer_whose_change_is_committed_late_is_not_skipped(two: tuple[Gateway, Gateway]) -> None:
    slow, fast = two
    follower = of_customers(fast, await fast.token())
    returning = await track(fast, "FAST")
    await follower.until(1)
    async with held(slow, "SLOW"):
        late = asyncio.create_task(track(slow, "SLOW", existing_click_id=returning))
        await under_way(slow, 1)
        new = await track(fast, "FAST")
        await asyncio.sleep(1)
        assert await follower.catch_up() == []
    await late
    await follower.until(3)
    assert [row["clickId"] for row in follower.rows] == [returning, returning, new]
    assert [row["partner"]["name"] for row in follower.rows] == ["FAST", "SLOW", "FAST"]


async def test_followers_of_two_busy_gateways_see_every_click_once(two: tuple[Gateway, Gateway]) -> None:
    following = [follower for gateway in two for follower in (await followers(gateway))[:2]]
    customers = of_customers(two[1], await two[1].token())
    for follower in following:
        follower.size = 20
    clicks = 200
    done = asyncio.Event()

    async def visit(gateway: Gateway, number: int) -> None:
        for _ in range(clicks // 20):
            await track(gateway, ("SLOW", "FAST")[number % 2])
            await asyncio.sleep(random.random() / 50)

    async def hold_up() -> None:
        while not done.is_set():
            async with held(two[0], "SLOW"):
                await asyncio.sleep(random.random() / 10)
            await asyncio.sleep(random.random() / 10)

    holding = asyncio.create_task(hold_up())
    watching = [asyncio.create_task(follower.until(clicks)) for follower in [*following, customers]]
    await asyncio.gather(*(visit(two[number % 2], number // 2) for number in range(20)))
    done.set()
    await asyncio.gather(holding, *watching)
    for follower in following:
        assert follower.ids == await events_in(two[0], getattr(ClickEvent, follower.order.lower()), ClickEvent.id)
    assert len(set(customers.ids)) == len(customers.ids) == clicks
