"""Consent: without it, nothing is stored or sent; with it, nothing is lost."""

import json

import pytest

from tests.support.shop import Shop, Visitor

STORED = "JSON.stringify([document.cookie, {...sessionStorage}, {...localStorage}])"
NOTHING = '["",{},{}]'


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.usual = shop.page('data-affitor-program-id="1" data-affitor-consent="required"')
    return shop


async def agree(visitor: Visitor) -> None:
    await visitor.page.evaluate("affitor.consent(true)")


async def nothing_kept(visitor: Visitor) -> None:
    assert await visitor.page.evaluate(STORED) == NOTHING
    assert await visitor.cookies() == {}


async def test_without_consent_nothing_is_stored_and_nothing_is_sent(shop: Shop) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={await shop.link()}"))
    await visitor.page.evaluate("history.pushState({}, '', '/?aff=OTHER')")
    assert await visitor.page.evaluate("affitor.trackTest()") is None
    await visitor.page.wait_for_timeout(200)
    assert visitor.posts == []
    assert await visitor.page.evaluate("affitor.clickId") is None
    await nothing_kept(visitor)


async def test_the_landing_is_sent_once_consent_is_given(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/a?aff={code}"), referer="https://blog.example.com/post")
    await visitor.page.evaluate("history.replaceState({}, '', '/b')")
    await agree(visitor)
    click_id = await visitor.click_id()
    (event,) = await shop.events(code)
    assert event["affiliate_url"] == shop.url(f"/a?aff={code}")
    assert event["referrer_url"] == "https://blog.example.com/post"
    assert (await visitor.cookies())["affitor_click_id"]["value"] == click_id
    # The next page knows the attribution before it asks for consent, and sends nothing.
    await visitor.page.goto(shop.url(f"/a?aff={code}"))
    assert await visitor.click_id() == click_id
    await agree(visitor)
    await visitor.page.evaluate("affitor.ready")
    assert len(visitor.posts) == 1


async def test_consent_on_the_second_page_finds_the_landing_in_the_referrer(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/a?aff={code}"))
    await visitor.page.evaluate("location.href = '/second'")
    await visitor.page.wait_for_url("**/second")
    await agree(visitor)
    await visitor.click_id()
    (event,) = await shop.events(code)
    assert event["affiliate_url"] == shop.url(f"/a?aff={code}")
    assert (event["page_url"], event["page_title"]) == (shop.url("/a"), None)
    assert event["referrer_url"] is None


async def test_a_landing_already_sent_is_not_read_from_the_referrer_again(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    await agree(visitor)
    await visitor.click_id()
    other = await visitor.context.new_page()
    await other.goto(shop.url(f"/?aff={second}"))
    await other.evaluate("affitor.consent(true), affitor.ready")
    await visitor.page.evaluate("location.href = '/second'")
    await visitor.page.wait_for_url("**/second")
    await agree(visitor)
    await visitor.page.evaluate("affitor.ready")
    assert [len(await shop.events(code)) for code in (first, second)] == [1, 1]
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(second)


async def test_another_sites_referrer_is_not_a_landing(shop: Shop) -> None:
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(), referer="https://blog.example.com/?aff=THEIRS")
    await agree(visitor)
    await visitor.page.evaluate("affitor.ready")
    assert visitor.posts == []


async def test_a_reload_before_consent_loses_nothing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.page.reload()
    await agree(visitor)
    await visitor.click_id()
    assert len(await shop.events(code)) == 1


async def test_consent_given_before_the_script_loads_takes_effect(shop: Shop) -> None:
    code = await shop.link()
    shop.pages["/consent.mjs"] = "window.affitorQueue = [['consent', true]]"
    shop.usual = shop.usual.replace("<head>", '<head><script src="/consent.mjs"></script>')
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.click_id()
    assert len(await shop.events(code)) == 1


async def test_refusing_consent_removes_everything_stored(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    url = shop.url(f"/deep/page?aff={code}", "shop.example.test")
    legacy = {"name": "customer_code", "value": "cust_7_7", "domain": ".example.test", "path": "/"}
    await visitor.context.add_cookies([legacy])  # type: ignore[list-item]
    await visitor.page.goto(url)
    await agree(visitor)
    await visitor.settled()
    await visitor.page.evaluate("affitor.ready")
    assert set(await visitor.cookies()) >= {"affitor_click_id", "affitor_aff_url"}
    await visitor.page.evaluate("affitor.consent(false)")
    await nothing_kept(visitor)
    data = await visitor.page.evaluate("affitor.ready")
    assert (data["clickId"], data["hasAttribution"]) == (None, False)
    await visitor.page.evaluate("history.pushState({}, '', '/?aff=OTHER')")
    await visitor.page.wait_for_timeout(100)
    assert len(visitor.posts) == 1


async def test_refusing_consent_during_a_request_stores_nothing_of_its_response(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with visitor.page.expect_response("**/track/click"), shop.gateway.held():
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await agree(visitor)
        await visitor.page.wait_for_timeout(100)
        assert len(visitor.posts) == 1
        await visitor.page.evaluate("affitor.consent(false)")
        await nothing_kept(visitor)
    await visitor.page.wait_for_timeout(100)
    await nothing_kept(visitor)
    # A visitor who consents later gets the same click.
    await agree(visitor)
    await visitor.click_id()
    assert len(await shop.events(code)) == 1


async def test_consent_after_a_refusal_loses_nothing(shop: Shop) -> None:
    code = await shop.link()
    shop.usual = shop.page()
    shop.pages["/consent.mjs"] = "window.affitorQueue = [['consent', false]]"
    shop.usual = shop.usual.replace("<head>", '<head><script src="/consent.mjs"></script>')
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.page.wait_for_timeout(100)
    assert visitor.posts == []
    await nothing_kept(visitor)
    await agree(visitor)
    await visitor.click_id()
    assert len(await shop.events(code)) == 1


async def test_the_click_reports_global_privacy_control(shop: Shop) -> None:
    shop.usual = shop.page()
    for script, told in (
        ("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})", {"global_privacy_control": True}),
        ("Object.defineProperty(navigator, 'globalPrivacyControl', {value: false})", None),
    ):
        code = await shop.link()
        visitor = await shop.visitor()
        await visitor.page.add_init_script(script)
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await visitor.click_id()
        (event,) = await shop.events(code)
        assert json.loads(event["additional_data"] or "null") == told
