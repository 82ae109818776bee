"""The tracker beside old libraries, on pages whose elements hide the document's properties, and in unusual contexts."""

import asyncio
import json
from html import escape

import pytest

from tests.support.shop import Shop, answers_once

# Imitates Prototype.js 1.6.1: `toJSON` of arrays and dates returns JSON text, and arrays have additional, enumerable
# methods, some with other meanings than today's; objects have inherited keys.
PROTOTYPE = """
  const text = (value) => Array.isArray(value) ? value.toJSON() : JSON.stringify(value);
  Object.assign(Array.prototype, {
    toJSON() { return '[' + Array.from(this, text).join(', ') + ']'; },
    reduce() { return this.length > 1 ? this : this[0]; },
    entries() { return this.slice(); },
    first() { return this[0]; },
    last() { return this[this.length - 1]; },
    clear() { this.length = 0; return this; },
    each(action) { for (let i = 0; i < this.length; i++) action(this[i], i); },
    map(action) { const found = []; this.each((value, i) => found.push(action(value, i))); return found; },
    filter(action) { const found = []; this.each((value, i) => { if (action(value, i)) found.push(value); });
                     return found; },
    some(action) { return this.filter(action).length > 0; },
  });
  String.prototype.toJSON = function () { return JSON.stringify(String(this)); };
  Date.prototype.toJSON = function () { return '"' + this.toISOString() + '"'; };
  Object.keys = (object) => { const keys = []; for (const key in object) keys.push(key); return keys; };
  Function.prototype.curry = Function.prototype.wrap = function () { return this; };
  Function.prototype.bind = function (target) { const method = this;
                                                return function () { return method.apply(target, arguments); }; };
"""
# Like MooTools, adds an enumerable property that appears in every loop over an object's keys.
EXTENDED = """
  Object.prototype.toJSON = () => 'mine';
  Object.prototype.each = Object.prototype.signal = Object.prototype.headers = Object.prototype.mode = 'mine';
  Array.prototype.extend = Array.prototype.contains = Function.prototype.extend = function () {};
"""


@pytest.mark.parametrize(
    "script",
    [
        PROTOTYPE,
        EXTENDED,
        "Object.prototype.toJSON = Array.prototype.toJSON = () => { throw new Error('no') }",
        "window.Promise = undefined",
        "window.Promise = function () { throw new Error('no') }",
        "window.URL = '/pages'; window.URLSearchParams = null",
        "window.console = {}",
        "console.log = console.warn = () => { throw new Error('no') }",
        "window.XMLHttpRequest = undefined; window.CustomEvent = undefined; window.AbortSignal = undefined",
        "Date.now = undefined",
        "Date.now = () => 0",
        "Date.now = () => NaN; Math.random = () => 0.5",
        "Object.defineProperty(window, 'crypto', {value: undefined})",
        "Object.defineProperty(navigator, 'language', {value: 7}); window.screen = 'main'; window.innerWidth = null",
        "delete window.navigation",
        "delete Object.getPrototypeOf(navigator).constructor.prototype.globalPrivacyControl",
        "Object.defineProperty(window, 'performance', {value: undefined})",
        "document.addEventListener = window.addEventListener = document.dispatchEvent = null",
    ],
)
async def test_a_click_is_sent_and_stored_whatever_the_page_has_replaced(shop: Shop, script: str) -> None:
    code = await shop.link()
    shop.usual = shop.page('data-affitor-program-id="1" data-affitor-debug="true"')
    visitor = await shop.visitor()
    await visitor.page.add_init_script(script)
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    async with asyncio.timeout(10):
        while set(await visitor.cookies()) != {"affitor_click_id", "affitor_aff_url"}:
            await asyncio.sleep(0.02)
    await visitor.page.goto(shop.url(f"/next?aff={code}"))
    (event,) = await shop.events(code)
    assert event["page_title"] == "Pricing"
    assert not visitor.faults


async def test_test_click_data_arrives_unchanged_beside_prototype_js(shop: Shop) -> None:
    program = await shop.gateway.program()
    shop.usual = shop.page(f'data-affitor-program-id="{program["id"]}"')
    visitor = await shop.visitor()
    await visitor.page.add_init_script(PROTOTYPE)
    await visitor.page.goto(shop.url())
    await visitor.page.evaluate("affitor.trackTest({list: [1, {two: [null, 'three']}], text: 'a'}), null")
    await answers_once(visitor)
    told = next(event for event in await shop.gateway.test_events() if event["program_id"] == program["id"])
    assert json.loads(told["additional_data"]) == {"list": [1, {"two": [None, "three"]}], "text": "a"}


HIDDEN = (
    "title",
    "cookie",
    "referrer",
    "currentScript",
    "querySelector",
    "documentElement",
    "addEventListener",
    "dispatchEvent",
    "prerendering",
    "body",
    "location",
    "affitor",
    "affitorQueue",
    "navigation",
    "history",
    "screen",
    "navigator",
    "performance",
    "sessionStorage",
    "fetch",
    "event",
)


@pytest.mark.parametrize(
    "element", ["<form name={0} id={0}></form>", "<img name={0} id={0}>", "<iframe name={0}></iframe>"]
)
async def test_elements_may_have_any_name(shop: Shop, element: str) -> None:
    code = await shop.link()
    shop.usual = shop.page(body="".join(element.format(name) for name in HIDDEN))
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"), referer="https://blog.example.com/post")
    await visitor.page.evaluate("affitor.ready")
    await visitor.click_id()
    (event,) = await shop.events(code)
    assert (event["page_title"], event["referrer_url"]) == ("Pricing", "https://blog.example.com/post")
    assert set(await visitor.cookies()) == {"affitor_click_id", "affitor_aff_url"}
    assert not visitor.faults


async def test_a_form_with_the_trackers_attributes_does_not_stop_the_tracker(shop: Shop) -> None:
    code = await shop.link()
    shop.usual = shop.page(body="<form name=affitor><input name=loaded></form><a id=affitorQueue></a>")
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.click_id()
    assert not visitor.faults


@pytest.mark.parametrize("path", ["/shop", "/shop/", "/shop/shoes"])
async def test_a_stale_cookie_on_a_deeper_path_does_not_hide_ours(shop: Shop, path: str) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    host = "shop.example.test"
    for domain in ("shop.example.test", ".example.test"):
        for name, value in (("affitor_click_id", "cust_9_9"), ("affitor_aff_url", "https://old.example/?aff=OLD")):
            await visitor.context.add_cookies([{"name": name, "value": value, "domain": domain, "path": path}])
    await visitor.page.goto(shop.url(f"/?aff={code}", host))
    click_id = await visitor.click_id()
    await visitor.page.goto(shop.url("/shop/shoes", host))
    assert await visitor.click_id() == click_id
    # The shop's own server does not read it, either.
    kept = await visitor.context.cookies(shop.url("/shop/shoes/1", host))
    assert [cookie.get("value") for cookie in kept if cookie.get("name") == "affitor_click_id"] == [click_id]


async def test_a_stale_cookie_is_removed_by_a_landing_below_its_path(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    url = shop.url("/shop/shoes", "shop.example.test")
    await visitor.context.add_cookies(
        [{"name": "affitor_click_id", "value": "cust_9_9", "domain": "shop.example.test", "path": "/shop"}]
    )
    await visitor.page.goto(f"{url}?aff={code}")
    await visitor.page.evaluate("affitor.ready")
    kept = [cookie for cookie in await visitor.context.cookies(url) if cookie.get("name") == "affitor_click_id"]
    assert [(cookie.get("domain"), cookie.get("path")) for cookie in kept] == [(".example.test", "/")]
    assert await visitor.click_id() == kept[0].get("value") != "cust_9_9"


async def test_in_a_sandboxed_frame_a_click_is_sent_once(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    shop.pages["/"] = f'<iframe sandbox="allow-scripts" src="/framed?aff={code}"></iframe>'
    await visitor.page.goto(shop.url())
    frame = visitor.page.frames[1]
    await frame.wait_for_function("() => window.affitor && affitor.clickId")
    await frame.evaluate("location.reload()")
    await visitor.page.wait_for_timeout(300)
    assert len(await shop.events(code)) == 1
    assert await visitor.cookies() == {}
    assert not visitor.faults


async def test_a_page_without_an_address_does_not_break_the_tracker(shop: Shop) -> None:
    visitor = await shop.visitor()
    framed = escape(shop.page("data-affitor-debug=true"))
    shop.pages["/"] = f'<iframe srcdoc="{framed}"></iframe><iframe src="data:text/html,{framed}"></iframe>'
    await visitor.page.goto(shop.url())
    for frame in visitor.page.frames[1:]:
        await frame.wait_for_function("() => window.affitor && affitor.loaded")
        assert await frame.evaluate("affitor.ready.then((data) => data.clickId)") is None
    assert visitor.posts == []
    assert not visitor.faults


async def test_a_page_restored_from_the_back_forward_cache_is_not_a_landing(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    for code in (first, second):
        await visitor.page.goto(shop.url(f"/?aff={code}"))
        await visitor.page.evaluate("affitor.ready")
    # Simulates a page restored from the back/forward cache, which browsers disable under automation.
    await visitor.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await answers_once(visitor)
    assert [len(await shop.events(code)) for code in (first, second)] == [1, 1]


async def test_with_debug_on_every_page_logs_one_line_on_loading(shop: Shop) -> None:
    origin = f"http://127.0.0.1:{shop.line.port}"
    shop.usual = shop.page('data-affitor-program-id="59" data-affitor-debug="true"')
    visitor = await shop.visitor()
    for path in ("/", "/next"):
        await visitor.page.goto(shop.url(path))
    assert [line for line in visitor.said if "loaded" in line] == [
        f"[Affitor] loaded for program 59, gateway {origin}"
    ] * 2


async def test_a_test_click_without_a_program_warns(shop: Shop) -> None:
    shop.usual = shop.page("")
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    await answers_once(visitor)
    assert visitor.said == ["[Affitor] trackTest() needs a program id"]
