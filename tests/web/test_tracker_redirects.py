"""Attribution survives redirects, other tabs, reloads and history navigation before the response arrives."""

import asyncio
from typing import Any

import pytest

from tests.support.shop import Shop, Visitor, answers_once

DAY = 86400
NO_COOKIES = ("Emulation.setDocumentCookieDisabled", {"disabled": True})


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The script comes directly from the gateway, and only its clicks go through the cuttable connection."""
    tag = f'data-affitor-api-base="http://127.0.0.1:{shop.line.port}"'
    shop.usual = shop.page(tag).replace(shop.script, f"{shop.gateway.http.base_url}/js/tracker.js")
    return shop


async def landings(visitor: Visitor) -> list[Any]:
    """Return the cookies of landings without a response."""
    return [cookie for name, cookie in (await visitor.cookies()).items() if name.startswith("affitor_landing_")]


async def test_a_landing_is_stored_for_the_whole_site_until_it_is_answered(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with shop.gateway.held():
        await visitor.page.goto(shop.url(f"/?aff={code}", "shop.example.test"))
        (kept,) = await landings(visitor)
        (click,) = await visitor.waiting()
        assert kept["name"] == f"affitor_landing_{click['event_id']}"
        assert (kept["domain"], kept["path"], kept["sameSite"]) == (".example.test", "/", "Lax")
        lasts = kept["expires"] - await visitor.page.evaluate("Date.now() / 1000")
        assert DAY - 60 < lasts <= DAY
    await visitor.click_id()
    assert set(await visitor.cookies()) == {"affitor_click_id", "affitor_aff_url"}


@pytest.mark.parametrize("host", ["www.example.test", "a.b.example.test", "example.test"])
async def test_a_redirect_before_the_response_keeps_the_attribution(shop: Shop, host: str) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    landed = shop.url(f"/?aff={code}&utm_source=letter", "shop.example.test")
    async with shop.gateway.held():
        await visitor.page.goto(landed)
        async with asyncio.timeout(10):
            while not shop.line.asking:
                await asyncio.sleep(0.01)
        await visitor.page.goto(shop.url("/checkout", host))
    click_id = await visitor.click_id()
    (event,) = await shop.events(code)
    assert event["affiliate_url"] == await visitor.page.evaluate("affitor.affiliateUrl") == landed
    assert len({post["event_id"] for post in visitor.posts}) == 1
    (customer,) = [found for found in await shop.gateway.customers() if found["click_id"] == click_id]
    assert customer["id"] == event["customer_id"]


async def test_a_redirect_that_keeps_the_code_is_not_a_second_landing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    shop.line.cut()
    await visitor.page.goto(shop.url(f"/?aff={code}", "shop.example.test"))
    shop.line.mend()
    await visitor.page.goto(shop.url(f"/?aff={code}", "www.example.test"))
    await visitor.click_id()
    assert len(await shop.events(code)) == 1


async def test_another_tab_sends_a_pending_landing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    shop.line.cut()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await shop.line.asked(1)
    other = await visitor.context.new_page()
    await visitor.page.close()
    shop.line.mend()
    await other.goto(shop.url("/next"))
    await other.wait_for_function("() => affitor.clickId")
    (event,) = await shop.events(code)
    assert (event["affiliate_url"], event["page_title"]) == (shop.url(f"/?aff={code}"), None)
    assert await landings(visitor) == []


async def test_two_tabs_at_once_count_two_clicks_and_the_later_one_owns_the_visitor(shop: Shop) -> None:
    program = await shop.gateway.program()
    codes = [await shop.link(program=program) for _ in range(2)]
    visitor = await shop.visitor()
    other = await visitor.context.new_page()
    async with shop.gateway.held():
        await visitor.page.goto(shop.url(f"/?aff={codes[0]}"))
        await other.goto(shop.url(f"/?aff={codes[1]}"))
        assert len(await landings(visitor)) == 2
    for page in (visitor.page, other):
        await page.evaluate("affitor.ready")
        await page.wait_for_function("code => affitor.affiliateUrl.endsWith(code)", arg=codes[1])
    assert [len(await shop.events(code)) for code in codes] == [1, 1]
    assert await landings(visitor) == []


async def test_the_cookies_of_many_landings_stay_small_and_each_is_counted(shop: Shop) -> None:
    codes = [await shop.link() for _ in range(8)]
    visitor = await shop.visitor()
    shop.line.cut()
    for code in codes:
        await visitor.page.goto(shop.url(f"/?long={'x' * 1300}&aff={code}"))
    sizes = [len(cookie["name"]) + len(cookie["value"]) for cookie in (await visitor.cookies()).values()]
    assert sum(sizes) < 5000
    shop.line.mend()
    await visitor.page.goto(shop.url())
    await visitor.settled()
    assert [len(await shop.events(code)) for code in codes] == [1] * 8
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(codes[-1])
    sizes = [len(cookie["name"]) + len(cookie["value"]) for cookie in (await visitor.cookies()).values()]
    assert sum(sizes) < 2000


async def test_a_url_that_grows_when_encoded_is_cut_to_fit_a_cookie(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?q={'%C3%A9' * 300}&aff={code}"))
    click_id = await visitor.click_id()
    assert await visitor.page.evaluate("affitor.affiliateUrl") == shop.url(f"/?aff={code}")
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    assert await visitor.click_id() == click_id
    assert len(await shop.events(code)) == 1


async def test_a_reload_or_a_step_back_never_changes_the_owner(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    for code in (first, second):
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await visitor.page.evaluate("affitor.ready")
    for step in (visitor.page.go_back, visitor.page.reload, visitor.page.go_forward, visitor.page.go_back):
        await step()
        await answers_once(visitor)
        assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(second)
    assert [len(await shop.events(code)) for code in (first, second)] == [1, 1]
    # Following the link again is a landing, however.
    await visitor.page.goto("about:blank")
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    await visitor.page.evaluate("affitor.ready")
    assert len(await shop.events(first)) == 2


async def test_reloading_after_a_refused_click_sends_nothing(shop: Shop) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url("/?aff=NOBODYS"))
    await visitor.settled()
    await visitor.page.reload()
    await answers_once(visitor)
    assert len([post for post in visitor.posts if post["affiliate_url"].endswith("NOBODYS")]) == 2


async def test_without_cookies_a_tab_sends_one_click(shop: Shop) -> None:
    code, other = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    await (await visitor.context.new_cdp_session(visitor.page)).send(*NO_COOKIES)
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    click_id = await visitor.click_id()
    for path in ("/next", f"/?aff={code}", f"/pricing?aff={code}"):
        await visitor.page.goto(shop.url(path))
        assert await visitor.click_id() == click_id
    await visitor.page.reload()
    assert await visitor.click_id() == click_id
    await visitor.page.goto(shop.url(f"/?aff={other}"))
    await visitor.page.evaluate("affitor.ready")
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(other)
    assert [len(await shop.events(each)) for each in (code, other)] == [1, 1]
    assert await visitor.cookies() == {}


@pytest.mark.parametrize("damage", ["%20", ".", ")", "/", "%E2%80%8B", "%ff", ",%0A"])
async def test_a_damaged_code_counts_as_the_same_code(shop: Shop, damage: str) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.click_id()
    await visitor.page.goto(shop.url(f"/?x=1&amp;aff={code}{damage}"))
    await visitor.page.goto(shop.url(f"/?aff={code}{damage}"))
    await answers_once(visitor)
    assert len(await shop.events(code)) == 1


async def test_only_an_aff_parameter_counts_even_with_an_escaped_ampersand(shop: Shop) -> None:
    visitor = await shop.visitor()
    for path in ("/?next=/a?aff=NOBODYS", "/?xaff=NOBODYS", "/?aff=", "/?aff=%20", "/aff=NOBODYS", "/#?aff=NOBODYS"):
        await visitor.page.goto(shop.url(path))
    assert visitor.posts == []
    await visitor.page.goto(shop.url("/?x=1&amp;aff=NOBODYS"))
    await visitor.settled()
    assert [post["affiliate_url"] for post in visitor.posts] == [shop.url("/?x=1&amp;aff=NOBODYS")]
