"""The tracker's reaction to each kind of response, or to none: which ones are final, which are retried, and when."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from playwright.async_api import Route

from tests.support.shop import Shop, Visitor

CLICKS = "**/track/click"
EXPOSED = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY_MS = 86_400_000
# The pause after a first failure, including jitter.
FIRST_RETRY_MS = 1600


class Intercepted:
    """A proxy in front of the gateway that answers clicks with certain codes itself, and passes on the others."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self._held: list[Route] = []

    async def __call__(self, route: Route) -> None:
        click = json.loads(route.request.post_data or "")
        code = str(click["affiliate_url"]).rpartition("aff=")[2]
        self.posts.append(click)
        answer = self.answers.get(code)
        if answer is None:
            await route.continue_()
        elif "abort" in answer:
            await route.abort()
        elif "hang" not in answer:
            await route.fulfill(**{"headers": EXPOSED} | answer)

    def of(self, code: str) -> list[dict[str, Any]]:
        return [post for post in self.posts if str(post["affiliate_url"]).endswith(f"aff={code}")]

    async def posted(self, code: str, times: int) -> None:
        async with asyncio.timeout(10):
            while len(self.of(code)) < times:
                await asyncio.sleep(0.01)


async def intercepted(shop: Shop, *, clock: bool = False) -> tuple[Visitor, Intercepted]:
    """Return a visitor on the shop's first page whose clicks go through a proxy; `clock` fakes the time."""
    visitor, proxy = await shop.visitor(), Intercepted()
    await visitor.context.route(CLICKS, proxy)
    if clock:
        await visitor.page.clock.install(time=NOON)
    await visitor.page.goto(shop.url())
    return visitor, proxy


async def land(visitor: Visitor, code: str) -> None:
    await visitor.page.evaluate("code => history.pushState({}, '', '/?aff=' + code)", code)


async def failed(visitor: Visitor, tries: int = 1) -> None:
    """Wait until this many tries of a click have failed and the next one is scheduled."""
    await visitor.page.wait_for_function(
        """tries => Object.keys(sessionStorage).some((key) => {
          const [count, due] = sessionStorage[key].split(' ');
          return key.startsWith('affitor_tries_') && +count === tries && due > Date.now();
        })""",
        arg=tries,
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422, 451])
async def test_a_4xx_ends_a_click_whatever_its_body(shop: Shop, status: int) -> None:
    visitor, proxy = await intercepted(shop)
    for number, body in enumerate(("<h1>Blocked</h1>", "", "null", '{"error": "no"}')):
        proxy.answers[f"R{number}"] = {"status": status, "body": body}
        await land(visitor, f"R{number}")
        await proxy.posted(f"R{number}", 1)
        await visitor.settled()
    assert len(proxy.posts) == 4
    assert await visitor.cookies() == {}
    code = await shop.link()
    await land(visitor, code)
    await visitor.click_id()
    assert len(await shop.events(code)) == 1
    assert not visitor.faults


@pytest.mark.parametrize(
    "answer",
    [
        *({"status": status} for status in (408, 425, 429, 500, 502, 503, 504)),
        {"status": 200, "body": "<form>Sign in to the hotel's network</form>"},
        {"status": 200, "body": ""},
        {"status": 200, "body": "null"},
        {"status": 200, "body": '{"status": "ok"}'},
        {"status": 429, "body": '{"success": false}'},
        {"status": 502, "body": '{"success": false}'},
        {"status": 204},
        {"abort": True},
    ],
    ids=str,
)
async def test_a_response_that_is_not_final_is_retried(shop: Shop, answer: dict[str, Any]) -> None:
    code = await shop.link()
    visitor, proxy = await intercepted(shop, clock=True)
    proxy.answers[code] = answer
    await land(visitor, code)
    await failed(visitor)
    proxy.answers.clear()
    await visitor.page.clock.run_for(FIRST_RETRY_MS)
    await visitor.click_id()
    assert len(proxy.posts) == 2
    assert len({post["event_id"] for post in proxy.posts}) == 1
    assert len(await shop.events(code)) == 1


@pytest.mark.parametrize(
    ("asked", "at_least", "at_most"),
    [
        ("8105335", 300, 301),
        ("9" * 400, 300, 301),
        ("120", 120, 121),
        ("1", 1, 1.6),
        ("-5", 1, 1.6),
        ("soon", 1, 1.6),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 60, 91),
        (format_datetime(NOON + timedelta(days=90), usegmt=True), 300, 301),
        (format_datetime(NOON - timedelta(days=90), usegmt=True), 1, 1.6),
    ],
)
async def test_retry_after_is_honoured_within_bounds(shop: Shop, asked: str, at_least: float, at_most: float) -> None:
    visitor, proxy = await intercepted(shop, clock=True)
    proxy.answers["BUSY"] = {"status": 503, "headers": EXPOSED | {"Retry-After": asked}}
    await land(visitor, "BUSY")
    await failed(visitor)
    await visitor.page.clock.run_for(int(at_least * 1000) - 500)
    await asyncio.sleep(0.1)
    assert len(proxy.posts) == 1
    await visitor.page.clock.run_for(int((at_most - at_least) * 1000) + 500)
    await proxy.posted("BUSY", 2)
    await failed(visitor, 2)
    assert len(proxy.posts) == 2


async def test_a_click_is_given_up_after_twenty_tries(shop: Shop) -> None:
    visitor, proxy = await intercepted(shop, clock=True)
    proxy.answers["LOST"] = {"status": 500}
    await land(visitor, "LOST")
    await failed(visitor)
    await visitor.page.goto(shop.url("/next"))
    # Responses take real time, during which the page's clock advances faster.
    await visitor.page.evaluate("AbortSignal.timeout = undefined")
    async with asyncio.timeout(30):
        while await visitor.waiting():
            await visitor.page.clock.run_for(100_000)
            await asyncio.sleep(0.02)
    await visitor.page.clock.run_for(600_000)
    assert len(proxy.posts) == 20
    assert await visitor.cookies() == {}
    assert await visitor.page.evaluate("affitor.ready.then((data) => data.hasAttribution)") is False


async def test_a_click_is_given_up_after_a_day(shop: Shop) -> None:
    visitor, proxy = await intercepted(shop, clock=True)
    proxy.answers["OLD"] = {"status": 500}
    await land(visitor, "OLD")
    await failed(visitor)
    await visitor.page.clock.fast_forward(DAY_MS + 1000)
    await visitor.settled()
    assert len(proxy.posts) == 1
    assert await visitor.cookies() == {}


async def hangs(visitor: Visitor) -> None:
    await visitor.page.clock.run_for(2100)


async def fails(visitor: Visitor) -> None:
    await failed(visitor)


@pytest.mark.parametrize(
    ("answer", "wait", "retry_after_ms"),
    [
        ({"hang": True}, hangs, 0),
        ({"status": 503, "headers": EXPOSED | {"Retry-After": "200"}}, fails, 200_100),
    ],
    ids=["no answer", "busy"],
)
async def test_a_delayed_click_blocks_no_other_and_never_takes_the_visitor_back(
    shop: Shop, answer: dict[str, Any], wait: Callable[[Visitor], Awaitable[None]], retry_after_ms: int
) -> None:
    program = await shop.gateway.program()
    slow, fast = await shop.link(program=program), await shop.link(program=program)
    visitor, proxy = await intercepted(shop, clock=True)
    proxy.answers[slow] = answer
    await land(visitor, slow)
    await proxy.posted(slow, 1)
    await wait(visitor)
    await land(visitor, fast)
    click_id = await visitor.click_id()
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(fast)
    assert await visitor.page.evaluate("affitor.ready.then((data) => data.clickId)") == click_id
    # The earlier click is counted, but the visitor stays attributed to the later one.
    proxy.answers.clear()
    await visitor.page.goto(shop.url("/next"))
    await visitor.page.clock.run_for(retry_after_ms)
    await visitor.settled()
    assert [len(await shop.events(code)) for code in (slow, fast)] == [1, 1]
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(fast)
    (customer,) = [found for found in await shop.gateway.customers() if found["click_id"] == click_id]
    assert customer["link_id"] == (await shop.gateway.link_row(fast))["id"]
