"""The tracker on a page with a referral link's code: what it posts, and what it stores in cookies."""

import re
from datetime import UTC, datetime
from uuid import UUID

from tests.support.shop import Shop

DAY = 86400


async def test_a_landing_is_recorded_with_everything_the_page_knows(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor(
        locale="de-DE",
        timezone_id="Europe/Berlin",
        viewport={"width": 1280, "height": 800},
        screen={"width": 1920, "height": 1080},
    )
    url = shop.url(f"/pricing?utm_source=letter&aff={code}")
    await visitor.page.goto(url + "#plans", referer="https://blog.example.com/post")
    click_id = await visitor.click_id()
    (event,) = await shop.events(code)
    assert re.fullmatch(r"cust_\d+_\d+", click_id)
    assert event["affiliate_url"] == url
    assert event["page_url"] == shop.url("/pricing")
    assert event["page_title"] == "Pricing"
    assert event["referrer_url"] == "https://blog.example.com/post"
    assert (event["screen_resolution"], event["viewport_size"]) == ("1920x1080", "1280x800")
    assert (event["language"], event["timezone"]) == ("de-DE", "Europe/Berlin")
    assert event["session_id"].startswith("sess_")
    assert (event["existing_click_id"], event["os"]) == (None, "Linux")
    assert not visitor.faults


async def test_a_click_has_its_own_id_and_needs_no_preflight_or_credentials(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    async with visitor.page.expect_request("**/track/click") as posted:
        await visitor.page.goto(shop.url(f"/?aff={code}"))
    headers = await (await posted.value).all_headers()
    assert headers["content-type"].startswith("text/plain")
    assert headers["origin"] == shop.url("")
    assert "cookie" not in headers
    await visitor.click_id()
    (event,) = await shop.events(code)
    event_id = UUID(event["event_id"])
    assert (str(event_id), event_id.version) == (event["event_id"], 7)
    assert abs((event_id.int >> 80) / 1000 - datetime.now(UTC).timestamp()) < 60


async def test_the_response_is_stored_in_first_party_cookies_for_the_programs_window(shop: Shop) -> None:
    code = await shop.link(program=await shop.gateway.program(cookie_window_days=30))
    visitor = await shop.visitor()
    url = shop.url(f"/?aff={code}&note=caf%C3%A9;x")
    await visitor.page.goto(url)
    click_id = await visitor.click_id()
    cookies = await visitor.cookies()
    assert set(cookies) == {"affitor_click_id", "affitor_aff_url"}
    assert cookies["affitor_click_id"]["value"] == click_id
    assert await visitor.page.evaluate("affitor.affiliateUrl") == url
    for cookie in cookies.values():
        assert (cookie["path"], cookie["sameSite"], cookie["secure"]) == ("/", "Lax", False)
        assert abs(cookie["expires"] - datetime.now(UTC).timestamp() - 30 * DAY) < 60


async def test_cookies_are_set_on_the_broadest_domain_that_the_browser_accepts(shop: Shop) -> None:
    code = await shop.link()
    domains = {
        "shop.example.test": ".example.test",
        "other.test": ".other.test",
        "a.shop.example.co.uk": ".example.co.uk",
        "localhost": "localhost",
        "127.0.0.1": "127.0.0.1",
    }
    visitor = await shop.visitor()
    for host, domain in domains.items():
        await visitor.page.goto(shop.url(f"/?aff={code}", host))
        await visitor.click_id()
        kept = await visitor.context.cookies(shop.url(host=host))
        assert {(cookie.get("name"), cookie.get("domain")) for cookie in kept} == {
            ("affitor_click_id", domain),
            ("affitor_aff_url", domain),
        }
    assert len(await shop.events(code)) == len(domains)


async def test_on_https_the_cookies_are_secure(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor(permissions=["local-network-access"])
    url = f"https://shop.example.test/?aff={code}"
    # Answered by the browser's request interception, so that no certificate is needed.
    await visitor.page.route(
        "https://shop.example.test/**", lambda route: route.fulfill(body=shop.usual, content_type="text/html")
    )
    await visitor.page.goto(url)
    await visitor.click_id()
    assert all(cookie["secure"] for cookie in (await visitor.cookies()).values())
    assert await visitor.page.evaluate("affitor.affiliateUrl") == url


async def test_a_host_only_cookie_does_not_hide_the_domains_cookie(shop: Shop) -> None:
    old, new = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    url = shop.url("/", "shop.example.test")
    await visitor.context.add_cookies(
        [
            {"name": "affitor_click_id", "value": "cust_9_9", "url": url},
            {"name": "affitor_aff_url", "value": f"https://yoursite.com/?aff={old}", "url": url},
        ]
    )
    await visitor.page.goto(f"{url}?aff={new}")
    await visitor.settled()
    assert await visitor.click_id() != "cust_9_9"
    await visitor.page.goto(f"{url}?aff={new}")
    assert len(await shop.events(new)) == 1


async def test_a_page_without_a_code_posts_nothing(shop: Shop) -> None:
    visitor = await shop.visitor()
    for path in ("/", "/?aff=", "/?other=1#?aff=CODE"):
        await visitor.page.goto(shop.url(path))
        assert await visitor.page.evaluate("affitor.getData()") == {
            "clickId": None,
            "programId": 1,
            "hasAttribution": False,
            "affiliateUrl": None,
        }
    assert visitor.posts == []
    assert await visitor.cookies() == {}


async def test_the_same_code_again_posts_nothing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    click_id = await visitor.click_id()
    for path in (f"/?aff={code}", f"/pricing?aff={code}&more=1", "/", f"/?aff={code}"):
        await visitor.page.goto(shop.url(path))
        assert await visitor.click_id() == click_id
    assert len(visitor.posts) == 1
    assert len(await shop.events(code)) == 1


async def test_another_code_sends_the_old_click_id_and_keeps_the_customer(shop: Shop) -> None:
    program = await shop.gateway.program()
    first, second = await shop.link(program=program), await shop.link(program=program)
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    click_id = await visitor.click_id()
    await visitor.page.goto(shop.url(f"/?aff={second}"))
    await visitor.settled()
    (event,) = await shop.events(second)
    assert event["existing_click_id"] == click_id
    assert await visitor.click_id() == click_id
    assert await visitor.page.evaluate("affitor.affiliateUrl") == shop.url(f"/?aff={second}")


async def test_a_legacy_cookie_is_read_if_the_new_one_is_missing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.context.add_cookies([{"name": "customer_code", "value": "cust_7_7", "url": shop.url()}])
    await visitor.page.goto(shop.url())
    assert await visitor.click_id() == "cust_7_7"
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.settled()
    (event,) = await shop.events(code)
    assert event["existing_click_id"] == "cust_7_7"
    assert await visitor.click_id() == (await visitor.cookies())["affitor_click_id"]["value"] != "cust_7_7"


async def test_an_unknown_or_inactive_link_leaves_no_trace(shop: Shop) -> None:
    paused = await shop.link(status="inactive")
    for code in (paused, "NOBODYS"):
        visitor = await shop.visitor()
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await visitor.settled()
        assert len(visitor.posts) == 1
        assert await visitor.waiting() == []
        assert await visitor.cookies() == {}


async def test_an_overlong_url_is_shortened(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/pricing?long={'x' * 60_000}&aff={code}"))
    await visitor.click_id()
    (event,) = await shop.events(code)
    assert event["affiliate_url"] == await visitor.page.evaluate("affitor.affiliateUrl") == shop.url(f"/?aff={code}")
