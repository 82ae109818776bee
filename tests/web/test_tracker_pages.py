"""The tracker's interface to the page, and its promise never to disturb the page, whatever the browser refuses."""

import json

import pytest

from tests.support.shop import Shop, Visitor, answers_once

NO_COOKIES = ("Emulation.setDocumentCookieDisabled", {"disabled": True})


async def landed(shop: Shop, code: str, page: str = "", **headers: str) -> Visitor:
    """Open a page through a referral link, and return its visitor."""
    shop.headers |= headers
    shop.pages["/"] = page or shop.usual
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    return visitor


async def test_a_page_reads_its_attribution_from_window_affitor(shop: Shop) -> None:
    code = await shop.link()
    visitor = await landed(shop, code, shop.page('data-affitor-program-id="42" data-affitor-debug="true"'))
    click_id = await visitor.click_id()
    found = await visitor.page.evaluate(
        """() => {
          const {loaded, programId, debugMode, clickId, affiliateUrl, hasAffiliateAttribution} = affitor;
          return {loaded, programId, debugMode, clickId, affiliateUrl, hasAffiliateAttribution,
                  called: affitor.getClickId(), data: affitor.getData(), signup: typeof affitor.signup};
        }"""
    )
    url = shop.url(f"/?aff={code}")
    assert found == {
        "loaded": True,
        "programId": 42,
        "debugMode": True,
        "clickId": click_id,
        "affiliateUrl": url,
        "hasAffiliateAttribution": True,
        "called": click_id,
        "data": {"clickId": click_id, "programId": 42, "hasAttribution": True, "affiliateUrl": url},
        "signup": "function",
    }


async def test_nothing_is_logged_unless_debug_is_on(shop: Shop) -> None:
    code = await shop.link()
    quiet = await landed(shop, code)
    await quiet.click_id()
    await answers_once(quiet)
    assert quiet.said == []
    loud = await landed(shop, code, shop.page('data-affitor-program-id="1" data-affitor-debug="true"'))
    await loud.click_id()
    assert loud.said
    assert all(line.startswith("[Affitor] ") for line in loud.said)


async def test_queued_calls_are_replayed_on_loading_and_later_ones_run_at_once(shop: Shop) -> None:
    program = await shop.gateway.program()
    calls = (
        f"['init', {{programId: {program['id']}, debug: true}}], ['signup', 'key'], null, ['trackTest', {{step: 1}}]"
    )
    shop.pages["/queue.mjs"] = f"window.affitorQueue = [{calls}]"
    page = shop.page("", head='<script src="/queue.mjs"></script>')
    visitor = await landed(shop, await shop.link(), page)
    await visitor.click_id()
    assert await visitor.page.evaluate("[affitor.programId, affitor.debugMode]") == [program["id"], True]
    await visitor.page.evaluate("affitorQueue.push(['trackTest', {step: 2}])")
    await answers_once(visitor)
    tests = [event for event in await shop.gateway.test_events() if event["program_id"] == program["id"]]
    assert [json.loads(event["additional_data"]) for event in tests] == [{"step": 1}, {"step": 2}, {}]
    assert not visitor.faults


async def test_a_test_click_is_not_counted_and_never_rejects(shop: Shop) -> None:
    program = await shop.gateway.program()
    page = shop.page(f'data-affitor-program-id="{program["id"]}"')
    shop.pages["/"] = page
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    answer = await visitor.page.evaluate("affitor.trackTest({message: 'hello', test_mode: false})")
    assert answer["data"]["programId"] == program["id"]
    assert answer["data"]["test_mode"] is True
    assert await visitor.page.evaluate("affitor.clickId") is None
    shop.line.cut()
    assert await visitor.page.evaluate("affitor.trackTest()") is None
    assert not visitor.faults


async def test_the_api_base_is_the_scripts_origin_unless_the_page_names_another(shop: Shop) -> None:
    direct = f"{shop.gateway.http.base_url}".rstrip("/")
    for attributes, base in (
        ("", f"http://127.0.0.1:{shop.line.port}"),
        (f'data-affitor-api-base="{direct}/"', direct),
    ):
        shop.pages["/"] = shop.page(attributes)
        visitor = await shop.visitor()
        async with visitor.page.expect_request("**/track/click") as posted:
            await visitor.page.goto(shop.url(f"/?aff={await shop.link()}"))
        assert (await posted.value).url == f"{base}/api/v1/track/click"
        await visitor.click_id()


async def test_a_strict_policy_only_has_to_allow_the_gateway(shop: Shop) -> None:
    origin = f"http://127.0.0.1:{shop.line.port}"
    visitor = await landed(
        shop,
        await shop.link(),
        **{
            "Content-Security-Policy": f"default-src 'none'; script-src {origin}; connect-src {origin}; "
            "require-trusted-types-for 'script'",
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Cross-Origin-Opener-Policy": "same-origin",
        },
    )
    await visitor.click_id()
    assert len(visitor.posts) == 1
    assert not [line for line in visitor.said if "favicon" not in line]


async def test_without_cookies_a_click_counts_once_and_lasts_as_long_as_the_page(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    session = await visitor.context.new_cdp_session(visitor.page)
    await session.send(*NO_COOKIES)
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    click_id = await visitor.click_id()
    await visitor.page.evaluate("history.pushState({}, '', location.href + '&step=2')")
    assert await visitor.click_id() == click_id
    assert await visitor.cookies() == {}
    assert len(await shop.events(code)) == 1
    assert not visitor.faults


async def test_the_click_is_recorded_even_if_cookies_and_storage_throw(shop: Shop) -> None:
    code = await shop.link()
    visitor = await landed(shop, code, **{"Content-Security-Policy": "sandbox allow-scripts"})
    with pytest.raises(Exception, match="SecurityError"):
        await visitor.page.evaluate("sessionStorage.length")
    await visitor.click_id()
    assert len(await shop.events(code)) == 1
    assert not visitor.faults


@pytest.mark.parametrize(
    "broken",
    [
        ["delete window.fetch", "Object.freeze(history)", "window.affitorQueue = 7"],
        ["window.fetch = () => { throw new Error('no') }", "Intl.DateTimeFormat = undefined"],
        [
            "Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('no') }})",
            "Object.defineProperty(window, 'performance', {value: undefined})",
        ],
        ["Object.defineProperty(window, 'crypto', {value: undefined})"],
    ],
)
async def test_missing_or_throwing_browser_features_never_affect_the_page(shop: Shop, broken: list[str]) -> None:
    visitor = await shop.visitor()
    await visitor.page.add_init_script(";".join(broken))
    await visitor.page.goto(shop.url(f"/?aff={await shop.link()}"))
    await visitor.page.evaluate("history.pushState({}, '', '/next?aff=OTHER')")
    await visitor.page.evaluate("affitor.trackTest(), affitor.init(), affitor.getData()")
    assert await visitor.page.evaluate("affitor.loaded")
    assert not visitor.faults


async def test_loading_the_script_twice_tracks_once(shop: Shop) -> None:
    page = shop.page(head=f'<script src="{shop.script}"></script>')
    code = await shop.link()
    visitor = await landed(shop, code, page)
    await visitor.click_id()
    await answers_once(visitor)
    assert [post["affiliate_url"] for post in visitor.posts if "additional_data" not in post] == [visitor.page.url]
    assert len(await shop.events(code)) == 1


async def test_a_prerendered_page_is_not_a_landing_until_it_is_shown(shop: Shop) -> None:
    """A script simulates prerendering, because browsers discard prerendered pages under automation."""
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.add_init_script("Object.defineProperty(document, 'prerendering', {value: true})")
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await answers_once(visitor)
    assert await shop.events(code) == []
    await visitor.page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    await visitor.click_id()
    assert len(await shop.events(code)) == 1
