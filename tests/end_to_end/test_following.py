"""Following a list loses nothing: no cursor passes a click that was received earlier but is committed later."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from db.schema.clicks import ClickEvent
from db.schema.id_blocks import IdBlock
from db.schema.links import ReferralLink
from db.schema.writers import RunningWriter
from graph.query.global_ids import encode_id
from tests.support.databases import MakeDatabase
from tests.support.following_clients import Follower
from tests.support.gateways import Gateway, body_of, running_gateway

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


async def track(gateway: Gateway, code: str, **fields: Any) -> str:
    answer = await gateway.track(code, **fields)
    assert answer.status_code == 200, answer.text
    return str(body_of(answer)["click_id"])


async def under_way(gateway: Gateway, clicks: int) -> None:
    """Wait until a number of transactions are waiting for a lock."""
    async with asyncio.timeout(5):
        while True:
            async with gateway.store.read() as connection:
                if (await connection.exec_driver_sql(WAITING)).scalar_one() >= clicks:
                    return
            await asyncio.sleep(0.02)


async def events_in(gateway: Gateway, *columns: Any) -> list[str]:
    """Return the ids of all events, ordered by columns."""
    async with gateway.store.read() as connection:
        found = await connection.execute(select(ClickEvent.program_id, ClickEvent.id).order_by(*columns))
        return [encode_id("ClickEvent", *key) for key in found.all()]


def of_customers(gateway: Gateway, token: str, *, is_backward: bool = False) -> Follower:
    fields = "updatedAt clickId partner { name }"
    return Follower(gateway, token, "UPDATED_AT", name="customers", fields=fields, is_backward=is_backward)


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


async def test_a_click_appears_at_once_to_followers_of_its_gateway(gateway: Gateway) -> None:
    await gateway.link()
    token = await gateway.token()
    following = [Follower(gateway, token, order) for order in ("OCCURRED_AT", "ID")]
    customers = of_customers(gateway, token)
    click_id = None
    for number in range(1, 6):
        click_id = await track(gateway, "PARTNER123", existing_click_id=click_id)
        for follower in following:
            assert len(await follower.catch_up()) == 1, (number, follower)
            assert await follower.catch_up() == []
        await customers.catch_up()
        assert [row["clickId"] for row in customers.rows] == [click_id] * number


async def test_a_pending_click_holds_back_later_clicks(gateway: Gateway) -> None:
    await gateway.link()
    token = await gateway.token()
    follower = Follower(gateway, token, "OCCURRED_AT")
    await track(gateway, "PARTNER123")
    await follower.until(1)
    async with gateway.held():
        waiting = [asyncio.create_task(track(gateway, "PARTNER123")) for _ in range(3)]
        await asyncio.sleep(0.3)
        before = await follower.catch_up()
    await asyncio.gather(*waiting)
    await follower.until(4)
    assert before == []
    assert follower.ids == await events_in(gateway, ClickEvent.occurred_at, ClickEvent.id)


async def test_customers_are_listed_by_their_last_change(gateway: Gateway) -> None:
    for code in ("A", "B"):
        await gateway.link(code)
    token = await gateway.token()
    program = (await gateway.link_row("A"))["program_id"]
    first = [await track(gateway, "A") for _ in range(7)]
    for click_id in (first[4], first[1], first[4], first[0]):
        await track(gateway, "A", existing_click_id=click_id)
    other = await track(gateway, "B")
    expected = [first[number] for number in (2, 3, 5, 6, 1, 4, 0)]
    for viewer, clicks in (
        (token, [*expected, other]),
        (await gateway.token("program", program_id=program), expected),
        (await gateway.token("partner", partner_id=(await gateway.link_row("A"))["partner_id"]), expected),
    ):
        for is_backward in (False, True):
            follower = of_customers(gateway, viewer, is_backward=is_backward)
            await follower.catch_up()
            assert [row["clickId"] for row in follower.rows] == clicks
            moments = [datetime.fromisoformat(row["updatedAt"]) for row in follower.rows]
            assert moments == sorted(moments)


async def rows_of_writers(gateway: Gateway) -> Sequence[Any]:
    async with gateway.store.read() as connection:
        running = select(RunningWriter.id).where(RunningWriter.id > 0).order_by(RunningWriter.id)
        return (await connection.scalars(running)).all()


async def test_a_gateway_that_stops_does_not_delay_followers(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    async with AsyncExitStack() as stack:
        staying = await stack.enter_async_context(running_gateway(url))
        await staying.link()
        async with running_gateway(url) as leaving:
            await track(leaving, "PARTNER123")
            assert len(await rows_of_writers(staying)) == 2
        assert len(await rows_of_writers(staying)) == 1
        await track(staying, "PARTNER123")
        for order in ("OCCURRED_AT", "ID"):
            assert len(await Follower(staying, await staying.token(), order).catch_up()) == 2
