"""Following a list is up to date: a click appears at once, and a gateway that stops delays nobody."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from db.schema.clicks import ClickEvent
from db.schema.writers import RunningWriter
from tests.support.databases import MakeDatabase
from tests.support.following_clients import Follower, events_in, of_customers, track
from tests.support.gateways import Gateway, running_gateway

pytestmark = pytest.mark.slow


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
