"""The tracker in single-page apps, where a landing is not always a page load, and by the npm package that loads it."""

from pathlib import Path

import pytest

from tests import javascript
from tests.shop import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_in_a_single_page_app_a_new_code_is_a_landing(shop: Shop) -> None:
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


async def test_going_back_to_another_code_is_a_landing(shop: Shop) -> None:
    first, second = await shop.link(), await shop.link()
    visitor = await shop.visitor()
    await visitor.page.goto(shop.url(f"/?aff={first}"))
    await visitor.click_id()
    await visitor.page.evaluate(f"history.pushState({{}}, '', '/b?aff={second}')")
    await visitor.settled()
    await visitor.page.go_back()
    await visitor.settled()
    assert [len(await shop.events(code)) for code in (first, second)] == [2, 1]


async def test_a_url_that_keeps_its_code_is_no_landing_after_another_tab_brought_another(shop: Shop) -> None:
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


async def test_a_code_that_an_app_cleaned_away_before_the_script_arrived_is_found(shop: Shop) -> None:
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


async def test_the_package_that_pages_install_loads_it_unchanged(shop: Shop, packages: Path) -> None:
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
