"""The tracker while the gateway is unavailable, slow or busy: every landing is eventually recorded, exactly once."""

import asyncio
from time import time

import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.shop import Shop, Visitor


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The script comes directly from the gateway, and only its clicks go through the cuttable connection."""
    tag = f'data-affitor-api-base="http://127.0.0.1:{shop.line.port}"'
    shop.usual = shop.page(tag).replace(shop.script, f"{shop.gateway.http.base_url}/js/tracker.js")
    return shop


async def test_a_click_is_sent_when_the_gateway_is_back(shop: Shop) -> None:
    code = await shop.link()
    shop.line.cut()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await shop.line.asked(1)
    assert await shop.events(code) == []
    shop.line.mend()
    await visitor.click_id()
    assert len({post["event_id"] for post in visitor.posts}) == 1
    assert len(visitor.posts) > 1
    assert len(await shop.events(code)) == 1
    assert await visitor.waiting() == []
    assert not visitor.faults


async def test_retries_become_less_frequent(shop: Shop) -> None:
    shop.line.cut()
    visitor = await shop.visitor()
    loop = asyncio.get_running_loop()
    await visitor.page.goto(shop.url(f"/?aff={await shop.link()}"))
    moments: list[float] = []
    for tries in (1, 2, 3):
        await shop.line.asked(tries)
        moments.append(loop.time())
    assert 0.9 < moments[1] - moments[0] < moments[2] - moments[1] < 4


async def test_an_unsent_click_is_sent_from_the_next_page(shop: Shop) -> None:
    code = await shop.link()
    shop.line.cut()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await shop.line.asked(1)
    (unsent,) = await visitor.waiting()
    await visitor.page.goto(shop.url(f"/pricing?aff={code}"))
    assert await visitor.waiting() == [unsent]
    shop.line.mend()
    await visitor.page.goto(shop.url("/next"))
    await visitor.click_id()
    (event,) = await shop.events(code)
    assert event["event_id"] == unsent["event_id"]
    assert event["page_url"] == shop.url("/")


async def land_and_ask(shop: Shop, visitor: Visitor, code: str) -> None:
    """Arrive through a link, and return once the click is being sent."""
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    async with asyncio.timeout(10):
        while not shop.line.asking:
            await asyncio.sleep(0.01)


async def test_leaving_a_page_during_a_request_loses_nothing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with shop.gateway.held():
        await land_and_ask(shop, visitor, code)
        await visitor.page.goto("about:blank")
        await asyncio.sleep(0.3)
        assert shop.line.asking == 1
    async with asyncio.timeout(10):
        while not await shop.events(code):
            await asyncio.sleep(0.05)
    await visitor.page.goto(shop.url("/next"))
    click_id = await visitor.click_id()
    assert len(await shop.events(code)) == 1
    customers = [customer for customer in await shop.gateway.customers() if customer["click_id"] == click_id]
    assert len(customers) == 1


async def test_a_late_response_does_not_undo_what_another_page_did(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with shop.gateway.held():
        await land_and_ask(shop, visitor, code)
        # As the next page does, from which the browser may return to this one.
        await visitor.page.evaluate("sessionStorage.setItem('affitor_waiting', '[]')")
    await visitor.page.evaluate("affitor.trackTest()")
    async with asyncio.timeout(10):
        while shop.line.asking:
            await asyncio.sleep(0.01)
    assert len(await shop.events(code)) == 1
    assert await visitor.cookies() == {}


async def test_a_click_with_a_lost_response_is_sent_again(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with shop.gateway.held():
        await land_and_ask(shop, visitor, code)
        await asyncio.sleep(0.1)
        shop.line.cut()
    shop.line.mend()
    await visitor.click_id()
    assert len(visitor.posts) > 1
    assert len(await shop.events(code)) == 1


async def tried(visitor: Visitor, times: int) -> None:
    """Wait until the only waiting click has been tried a number of times and is postponed."""
    (click,) = await visitor.waiting()
    key = f"affitor_tries_{click['event_id']}"
    async with asyncio.timeout(10):
        while True:
            tries, due = (await visitor.page.evaluate("key => sessionStorage.getItem(key) || '0 0'", key)).split()
            if int(tries) == times and float(due) > await visitor.page.evaluate("Date.now()"):
                return
            await asyncio.sleep(0.01)


async def test_waiting_clicks_of_two_links_are_sent_in_order(shop: Shop) -> None:
    program = await shop.gateway.program()
    first, second = await shop.link(program=program), await shop.link(program=program)
    shop.line.cut()
    visitor = await shop.visitor()
    # After a second try a click is not due for more than two seconds, and no longer holds up the next one.
    await visitor.context.clock.install()
    await visitor.page.goto(shop.url("/"))
    await visitor.context.clock.pause_at(time() + 60)
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    await tried(visitor, 1)
    await visitor.context.clock.run_for(1)
    await visitor.page.goto(shop.url(f"/?aff={second}"))
    assert len(await visitor.waiting()) == 2
    shop.line.mend()
    await visitor.context.clock.run_for(1500)
    await visitor.settled()
    (event,) = await shop.events(second)
    assert event["existing_click_id"] == await visitor.click_id()
    assert len(await shop.events(first)) == 1
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(second)


async def test_a_busy_gateway_is_retried_after_retry_after(shop: Shop, make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="1/3 second") as gateway:
        await gateway.link()
        shop.usual = shop.page(f'data-affitor-api-base="{gateway.http.base_url}"')
        visitor = await shop.visitor()
        await visitor.page.goto(shop.url())
        async with visitor.page.expect_response("**/track/click") as answered:
            # The limit's windows are aligned with the clock. Early in one, Retry-After exceeds the first retry's pause.
            await asyncio.sleep(-time() % 3)
            await gateway.track()
            await visitor.page.evaluate("history.pushState({}, '', '/?aff=PARTNER123')")
        asked_to_wait = float((await (await answered.value).all_headers())["retry-after"])
        refused_at = asyncio.get_running_loop().time()
        await visitor.click_id()
        assert len(await gateway.events()) == 2
        assert asyncio.get_running_loop().time() - refused_at > asked_to_wait - 0.2 > 1.6
