"""The tracker in single-page apps, where a landing need not be a page load, and loaded by the npm package."""

from pathlib import Path

import pytest

from tests.support import npm_packages as javascript
from tests.support.shop import Shop, answers_once


async def test_a_new_code_in_a_single_page_app_is_a_landing(shop: Shop) -> None:
    first, second, third = [await shop.link() for _ in range(3)]
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    for step in (
        f"history.pushState({{}}, '', '/a?aff={first}')",
        f"history.pushState({{}}, '', '/b?aff={first}')",
        "history.pushState({}, '', '/c')",
        f"history.replaceState({{}}, '', '/d?aff={second}')",
        "history.replaceState({}, '', '/e')",
    ):
        await visitor.page.evaluate(step)
        await visitor.settled()
    assert [post["affiliate_url"] for post in visitor.posts] == [
        shop.url(f"/a?aff={first}"),
        shop.url(f"/d?aff={second}"),
    ]
    assert [post["page_url"] for post in visitor.posts] == [shop.url("/a"), shop.url("/d")]
    await visitor.page.evaluate(f"location.hash = 'x'; history.pushState({{}}, '', '/f?aff={third}')")
    await visitor.settled()
    await visitor.page.go_back()
    await visitor.page.go_back()
    await visitor.settled()
    assert [len(await shop.events(code)) for code in (first, second, third)] == [1, 1, 1]


async def test_a_step_back_to_another_code_is_not_a_landing(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    await visitor.click_id()
    await visitor.page.evaluate(f"history.pushState({{}}, '', '/b?aff={second}')")
    await visitor.settled()
    for step in (visitor.page.go_back, visitor.page.go_forward, visitor.page.go_back, visitor.page.reload):
        await step()
        # Like many apps, it stores its scroll position in the history entry.
        await visitor.page.evaluate("history.replaceState({scrolled: 100}, '')")
        await answers_once(visitor)
    # An entry of the document before the reload.
    await visitor.page.go_forward()
    await answers_once(visitor)
    assert [len(await shop.events(code)) for code in (first, second)] == [1, 1]
    assert str(await visitor.page.evaluate("affitor.affiliateUrl")).endswith(second)


async def test_a_code_first_seen_through_a_history_step_is_a_landing(shop: Shop) -> None:
    """For example, an app has changed its URL before the script loaded, and steps back to it."""
    code = await shop.link()
    shop.pages["/early.mjs"] = f"history.pushState({{}}, '', '/a?aff={code}'); history.pushState({{}}, '', '/b')"
    shop.usual = shop.page(head='<script src="/early.mjs"></script>')
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    await answers_once(visitor)
    assert await shop.events(code) == []
    for step in (visitor.page.go_back, visitor.page.go_forward, visitor.page.go_back):
        await step()
        await answers_once(visitor)
    assert len(await shop.events(code)) == 1


async def test_a_navigation_api_entry_with_a_new_code_is_a_landing(shop: Shop) -> None:
    code = await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url())
    await visitor.page.evaluate(
        f"navigation.addEventListener('navigate', (event) => event.intercept()), navigation.navigate('/a?aff={code}')"
    )
    await visitor.click_id()
    assert [post["affiliate_url"] for post in visitor.posts] == [shop.url(f"/a?aff={code}")]


async def test_an_element_named_navigation_is_not_taken_for_the_navigation_api(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    shop.usual = shop.page(body="<nav id=navigation></nav>")
    visitor = await shop.visitor()
    await visitor.page.add_init_script("delete window.navigation")
    await visitor.page.goto(shop.url())
    await visitor.page.evaluate(f"history.pushState({{}}, '', '/a?aff={first}')")
    await visitor.click_id()
    # A router that kept the browser's own function, and dispatches an event.
    await visitor.page.evaluate(
        f"""History.prototype.pushState.call(history, {{}}, '', '/b?aff={second}'),
            dispatchEvent(new PopStateEvent('popstate'))"""
    )
    await visitor.settled()
    assert [len(await shop.events(code)) for code in (first, second)] == [1, 1]
    assert not visitor.faults


async def test_an_unchanged_code_is_not_a_landing_after_another_tab_brought_another(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    await visitor.click_id()
    other = await visitor.context.new_page()
    await other.goto(shop.url(f"/?aff={second}"))
    await other.wait_for_function("code => affitor.affiliateUrl.endsWith(code)", arg=second)
    await visitor.page.evaluate("history.replaceState({scrolled: 100}, '')")
    await visitor.settled()
    assert [len(await shop.events(code)) for code in (first, second)] == [1, 1]


async def test_a_code_removed_from_the_url_before_the_script_loaded_is_found(shop: Shop) -> None:
    code = await shop.link()
    shop.pages["/clean.mjs"] = "history.replaceState({}, '', '/')"
    shop.usual = shop.page(head='<script src="/clean.mjs"></script>')
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    await visitor.click_id()
    (event,) = await shop.events(code)
    assert event["affiliate_url"] == shop.url(f"/?aff={code}")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return javascript.installed(tmp_path_factory.mktemp("tracker"), javascript.TRACKER)


async def test_the_npm_package_loads_the_tracker_unchanged(shop: Shop, packages: Path) -> None:
    shop.pages["/affitor.mjs"] = (packages / "node_modules/@affitor/tracker/dist/index.mjs").read_text()
    shop.pages["/app.mjs"] = f"""
      import {{ loadAffitor }} from "/affitor.mjs";
      window.loading = loadAffitor("59", {{ scriptUrl: "{shop.script}", debug: true }});
    """
    code = await shop.link()
    shop.usual = '<!doctype html><title>App</title><script type=module src="/app.mjs"></script>'
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={code}"))
    data = await visitor.page.evaluate("loading.then((affitor) => [affitor === window.affitor, affitor.getData()])")
    assert (data[0], data[1]["programId"]) == (True, 59)
    click_id = await visitor.click_id()
    assert await visitor.page.evaluate("loading.then((affitor) => affitor.getClickId())") == click_id
    assert await visitor.page.evaluate("affitor.debugMode")
    assert len(await shop.events(code)) == 1
    assert not visitor.faults
