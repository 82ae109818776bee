"""The tracker while the gateway is away, slow or busy: every landing is recorded in the end, and recorded once."""

import asyncio

import pytest

from tests.shop import Shop

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_click_is_sent_when_the_gateway_is_back(shop: Shop) -> None:
    code = await shop.link()
    shop.pages["/"] = shop.page(f'data-affitor-api-base="http://127.0.0.1:{shop.line.port}"').replace(
        shop.script, f"{shop.gateway.http.base_url}/js/tracker.js"
    )
    shop.line.cut()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await asyncio.sleep(0.5)
    assert len(await visitor.waiting()) == 1
    assert await shop.events(code) == []
    shop.line.mend()
    await visitor.click_id()
    assert len({post["event_id"] for post in visitor.posts}) == 1
    assert len(visitor.posts) > 1
    assert len(await shop.events(code)) == 1
    assert await visitor.waiting() == []
    assert not visitor.faults
