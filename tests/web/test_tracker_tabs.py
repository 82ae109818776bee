"""A visitor with several tabs: the latest landing wins however the tabs' responses and cookies interleave, and the
earlier ones are counted."""

from itertools import permutations

import pytest

from tests.support.browser_tabs import Tab, open_tabs
from tests.support.shop import Shop, Visitor

# A tab accesses cookies about 60 times to turn a response into the attribution.
STOPS = range(1, 60, 4)
ORDERS = list(permutations([(0, 0), (1, 0), (1, 1)]))


async def new_codes(shop: Shop, count: int) -> list[str]:
    program = await shop.gateway.program()
    return [await shop.link(program=program) for _ in range(count)]


async def land(shop: Shop, tabs: list[Tab], codes: list[str]) -> list[str]:
    """Land in each tab, one after another, and return the URLs."""
    urls = [shop.url(f"/?aff={code}") for code in codes]
    for tab, url in zip(tabs, urls, strict=True):
        await tab.page.goto(url)
    return urls


async def assert_that_the_last_has_the_visitor(shop: Shop, visitor: Visitor, tabs: list[Tab], codes: list[str]) -> None:
    for tab in tabs:
        await tab.pass_on_all()
        await tab.settled()
    clicks = [await shop.events(code) for code in codes]
    assert [len(events) for events in clicks] == [1] * len(codes)
    customers = {customer["click_id"]: customer["id"] for customer in await shop.gateway.customers()}
    for tab in tabs:
        data = await tab.page.evaluate("affitor.getData()")
        assert data["affiliateUrl"] == clicks[-1][0]["affiliate_url"]
        assert customers[data["clickId"]] == clicks[-1][0]["customer_id"]
    assert not [name for name in await visitor.cookies() if name.startswith("affitor_landing_")]


@pytest.mark.parametrize("stop", STOPS)
async def test_a_slow_tab_with_an_earlier_response_does_not_take_the_visitor(shop: Shop, stop: int) -> None:
    codes = await new_codes(shop, 2)
    visitor = await shop.visitor()
    first, second = tabs = await open_tabs(visitor, 2)
    earlier, later = await land(shop, tabs, codes)
    await first.stop_at(stop)
    await first.pass_on(earlier)
    blocked = await first.stopped()
    await second.pass_on(earlier)
    await second.pass_on(later)
    await second.settled()
    await blocked.fulfill()
    await assert_that_the_last_has_the_visitor(shop, visitor, tabs, codes)


@pytest.mark.parametrize("stop", STOPS[::3])
async def test_an_earlier_response_does_not_mix_with_a_slow_tabs_response(shop: Shop, stop: int) -> None:
    codes = await new_codes(shop, 2)
    visitor = await shop.visitor()
    first, second = tabs = await open_tabs(visitor, 2)
    earlier, later = await land(shop, tabs, codes)
    # The response to the earlier click takes so long that the tab sends its own meanwhile.
    post = await second.posted(later)
    await second.stop_at(stop)
    await post.continue_()
    blocked = await second.stopped()
    await first.pass_on(earlier)
    await first.page.wait_for_function("url => !sessionStorage.affitor_waiting.includes(url)", arg=earlier)
    await blocked.fulfill()
    await assert_that_the_last_has_the_visitor(shop, visitor, tabs, codes)


@pytest.mark.parametrize("resumed_first", [0, 1])
@pytest.mark.parametrize("stop", STOPS[2::5])
async def test_the_last_of_three_tabs_owns_a_visitor_of_another_partner(
    shop: Shop, stop: int, resumed_first: int
) -> None:
    owner, *codes = await new_codes(shop, 4)
    visitor = await shop.visitor()
    first, second, third = tabs = await open_tabs(visitor, 3)
    await land(shop, [first], [owner])
    await first.pass_on(shop.url(f"/?aff={owner}"))
    await visitor.click_id()
    urls = await land(shop, tabs, codes)
    await first.stop_at(stop)
    await first.pass_on(urls[0])
    blocked = [await first.stopped()]
    await second.pass_on(urls[0])
    post = await second.posted(urls[1])
    await second.stop_at(stop)
    await post.continue_()
    blocked.append(await second.stopped())
    for url in urls:
        await third.pass_on(url)
    await third.settled()
    await blocked[resumed_first].fulfill()
    await tabs[resumed_first].settled()
    await blocked[1 - resumed_first].fulfill()
    await assert_that_the_last_has_the_visitor(shop, visitor, tabs, codes)


@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_responses_may_arrive_in_any_order(shop: Shop, order: tuple[tuple[int, int], ...]) -> None:
    codes = await new_codes(shop, 2)
    visitor = await shop.visitor()
    tabs = await open_tabs(visitor, 2)
    urls = await land(shop, tabs, codes)
    posts = {(tab, landing): await tabs[tab].posted(urls[landing]) for tab, landing in ((0, 0), (1, 0), (1, 1))}
    for post in order:
        async with tabs[post[0]].page.expect_response("**/track/click"):
            await posts[post].continue_()
    await assert_that_the_last_has_the_visitor(shop, visitor, tabs, codes)


@pytest.mark.parametrize("agrees_first", [0, 1])
async def test_late_consent_in_one_tab_does_not_bring_its_landing_back(shop: Shop, agrees_first: int) -> None:
    shop.usual = shop.page('data-affitor-consent="required"')
    codes = await new_codes(shop, 2)
    visitor = await shop.visitor()
    tabs = await open_tabs(visitor, 2)
    await land(shop, tabs, codes)
    for tab in (tabs[agrees_first], tabs[1 - agrees_first]):
        await tab.page.evaluate("affitor.consent(true)")
        await tab.pass_on_all()
        await tab.settled()
    await assert_that_the_last_has_the_visitor(shop, visitor, tabs, codes)


async def test_a_landing_in_a_hidden_frame_counts_like_one_in_a_tab(shop: Shop) -> None:
    codes = await new_codes(shop, 3)
    visitor = await shop.visitor()
    tabs = await open_tabs(visitor, 2)
    await land(shop, tabs[:1], codes[:1])
    await tabs[0].page.evaluate(
        """url => new Promise((done) => {
          const frame = Object.assign(document.createElement("iframe"), {src: url, hidden: true, onload: done});
          document.body.append(frame);
        })""",
        shop.url(f"/?aff={codes[1]}"),
    )
    await land(shop, tabs[1:], codes[2:])
    await tabs[0].stop_at(20)
    await tabs[0].pass_on(shop.url(f"/?aff={codes[0]}"))
    blocked = await tabs[0].stopped()
    await tabs[1].pass_on_all()
    await tabs[1].settled()
    await blocked.fulfill()
    await assert_that_the_last_has_the_visitor(shop, visitor, tabs, codes)
