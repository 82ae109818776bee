"""The filters of the dashboard: on every row of every ranking, several at once, in the address."""

import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect

from tests.support.databases import MakeDatabase
from tests.support.drilldown_sites import Site, chips, press, running_site, turn
from tests.support.web_pages import figure, loaded, table, visiting


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_site(make_sqlite) as running:
        yield running


async def test_filters_on_several_rows_add_up(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.reports, token=site.token) as page:
        await loaded(page)
        await press(page, "countries", "Germany")
        # The other countries are still there to choose.
        await press(page, "countries", "France")
        await press(page, "devices", "Mobile")
        assert await chips(page) == ["Country is Germany", "Country is France", "Device is Mobile"]
        expected = site.count(lambda event: event["country"] in ("DE", "FR") and event["device_type"] == "mobile")
        assert await figure(page, "clicks") == expected
        assert all(part in page.url for part in ("is.country=DE", "is.country=FR", "is.device_type=mobile"))
        browsers = Counter(
            event["browser"]
            for event in site.events
            if event["country"] in ("DE", "FR") and event["device_type"] == "mobile"
        )
        shown = {row[0]: int(row[1]) for row in await table(page, "[data-ranking=browsers]")}
        assert shown == {name: browsers[name] for name in shown}
        assert sum(shown.values()) > expected / 2
        await page.reload()
        await loaded(page)
        assert await chips(page) == ["Country is Germany", "Country is France", "Device is Mobile"]
        assert await figure(page, "clicks") == expected
        # A second press on a row removes its filter.
        await press(page, "countries", "Germany")
        assert await chips(page) == ["Country is France", "Device is Mobile"]


async def test_a_press_on_a_chip_excludes_and_another_removes_it(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.reports, token=site.token) as page:
        await loaded(page)
        await press(page, "countries", "Germany")
        await turn(page, "Country is Germany")
        assert await chips(page) == ["Country is not Germany"]
        assert "not.country=DE" in page.url
        # What is not known is not Germany.
        assert await figure(page, "clicks") == site.count(lambda event: event["country"] != "DE")
        await turn(page, "Country is not Germany")
        assert await chips(page) == []
        assert await figure(page, "clicks") == len(site.events)
        await page.go_back()
        await loaded(page)
        assert await chips(page) == ["Country is not Germany"]


async def test_what_is_not_known_can_be_filtered_by(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.reports, token=site.token) as page:
        await loaded(page)
        await press(page, "countries", "Germany")
        await press(page, "countries", "Unknown")
        # Both at once would leave nothing.
        assert await chips(page) == ["Country is unknown"]
        assert await figure(page, "clicks") == site.count(lambda event: event["country"] is None)
        await page.reload()
        await loaded(page)
        await turn(page, "Country is unknown")
        assert await chips(page) == ["Country is known"]
        assert await figure(page, "clicks") == site.count(lambda event: event["country"] is not None)


async def test_the_focus_stays_among_the_chips(browser: Browser, site: Site) -> None:
    url = f"{site.reports}?is.country=DE&is.country=FR&not.browser=Chrome"
    async with visiting(browser, url, token=site.token) as page:
        await loaded(page)
        await page.get_by_role("button", name="Remove filter: Country is France").press("Enter")
        await expect(page.get_by_role("button", name="Remove filter: Browser is not Chrome")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Remove filter: Country is Germany")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("group", name="Filters in effect")).to_be_focused()
        await loaded(page)
        await page.locator("[data-ranking=countries]").get_by_role("button", name="Germany").press("Enter")
        await loaded(page)
        await expect(page.locator("[data-ranking=countries]").get_by_role("button", name="Germany")).to_be_focused()


@pytest.mark.parametrize(
    "query",
    [
        "is.contry=DE",
        "is.link=nonsense",
        "not.partner=",
        "is.hour_of_day=25",
        "is.day_of_week=SOMEDAY",
        f"is.city={'x' * 2049}",
        "partner=UmVmZXJyYWxMaW5rOjE",
        "is.program=UHJvZ3JhbTo5OQ",
        "range=forever",
        "zone=Mars/Phobos",
        "rows=nothing",
    ],
)
async def test_a_filter_that_makes_no_sense_is_left_out(browser: Browser, site: Site, query: str) -> None:
    url = f"{site.reports}?is.country=DE&{query}"
    async with visiting(browser, url, token=site.token) as page:
        await loaded(page)
        name = query.split("=")[0]
        note = page.get_by_text("address makes no sense and was left out")
        await expect(note).to_contain_text(f"{name}=")
        assert await chips(page) == ["Country is Germany"]
        assert await figure(page, "clicks") == site.count(lambda event: event["country"] == "DE")
        assert page.url == f"{site.reports}?zone=Europe%2FBerlin&is.country=DE"
        await turn(page, "Country is Germany")
        await expect(note).to_be_hidden()


async def test_a_report_has_so_many_filters_at_once(browser: Browser, site: Site) -> None:
    names = ["city", "region", "browser", "os", "language", "device_type", "device_brand", "landing_page"]
    names += ["sub1", "sub2", "sub3", "sub4", "sub5", "utm_source", "utm_medium", "utm_term", "utm_content"]
    query = "&".join(f"not.{name}=y" for name in names)
    async with visiting(browser, f"{site.reports}?toString=1&{query}", token=site.token) as page:
        await loaded(page)
        assert len(await chips(page)) == 16
        await expect(page.get_by_text("address makes no sense and was left out: not.utm_content=y.")).to_be_visible()
        await press(page, "countries", "Germany")
        await expect(page.get_by_text("These are as many filters as a report can have at once.")).to_be_visible()
        assert len(await chips(page)) == 16
        await turn(page, "City is not y")
        await press(page, "countries", "Germany")
        assert (await chips(page))[-1] == "Country is Germany"
        assert await figure(page, "clicks") == site.count(lambda event: event["country"] == "DE")
        await page.get_by_role("button", name="Remove all filters").click()
        await loaded(page)
        assert await chips(page) == []
        assert await figure(page, "clicks") == len(site.events)


async def test_an_older_address_of_a_link_still_filters(browser: Browser, site: Site) -> None:
    link = await site.gateway.graphql("{referralLinks(first: 1) {nodes {id}}}", token=site.token)
    id = link["data"]["referralLinks"]["nodes"][0]["id"]
    async with visiting(browser, f"{site.reports}?link={quote(id)}", token=site.token) as page:
        await loaded(page)
        assert await chips(page) == ["Link is PARTNER123"]
        assert await figure(page, "clicks") == len(site.events)


async def test_lists_of_conversions_say_which_filters_they_cannot_take(browser: Browser, site: Site) -> None:
    query = "?is.country=DE&not.browser=Browser 1"
    async with visiting(browser, f"{site.section('conversions')}{query}", token=site.token) as page:
        await loaded(page)
        await expect(page.get_by_role("region", name="Conversions").locator(".untaken")).to_have_text(
            "This list cannot be filtered by “Country is Germany”, “Browser is not Browser 1”, so it has other "
            "conversions, too."
        )
        await page.get_by_role("link", name="Customers").click()
        await loaded(page)
        await expect(page.get_by_role("region", name="Customers").locator(".untaken")).to_contain_text(
            "other customers"
        )
        await page.get_by_role("link", name="Links").click()
        await loaded(page)
        await expect(page.get_by_role("region", name="Links to share").locator(".untaken")).to_be_hidden()


def hour_of(event: dict[str, Any]) -> str:
    return f"{event['occurred_at'].astimezone(ZoneInfo('Europe/Berlin')).hour:02}"


LISTED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "not.country=DE": lambda event: event["country"] != "DE",
    "is.country=DE&is.country=FR&not.browser=Browser 1&not.browser=Browser 2": lambda event: (
        event["country"] in ("DE", "FR") and event["browser"] not in ("Browser 1", "Browser 2")
    ),
    "is.city=": lambda event: event["city"] is None,
    "not.city=&is.device_type=mobile": lambda event: event["city"] is not None and event["device_type"] == "mobile",
    "is.hour_of_day=09&is.hour_of_day=10&not.landing_page=https://yoursite.com/x": lambda event: (
        hour_of(event) in ("09", "10") and not event["page_url"].endswith("/x")
    ),
    "is.utm_campaign=nothing": lambda event: False,
}


@pytest.mark.parametrize("query", LISTED)
async def test_the_list_of_clicks_and_its_file_have_what_the_reports_count(
    browser: Browser, site: Site, query: str
) -> None:
    expected = sorted(event["id"] for event in site.events if LISTED[query](event))
    async with visiting(browser, f"{site.section('clicks')}?{query}", token=site.token) as page:
        await loaded(page)
        assert await page.locator(".clicks tbody tr").count() == min(20, len(expected))
        assert await page.locator(".untaken:visible").count() == 0
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="CSV of clicks").click()
        text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert sorted(int(row["database_id"]) for row in rows) == expected
        await page.get_by_role("link", name="Overview").click()
        await loaded(page)
        assert await figure(page, "clicks") == len(expected)


async def test_a_press_on_a_chip_excludes_from_the_list_of_clicks(browser: Browser, site: Site) -> None:
    async with visiting(browser, f"{site.section('clicks')}?is.browser=Browser 1", token=site.token) as page:
        await loaded(page)
        cells = page.locator(".clicks td[data-label=Browser]")
        assert set(await cells.all_inner_texts()) <= {"Browser 1", "bot Browser 1"}
        await turn(page, "Browser is Browser 1")
        assert await chips(page) == ["Browser is not Browser 1"]
        others = site.count(lambda event: event["browser"] != "Browser 1")
        seen = 0
        while True:
            texts = await cells.all_inner_texts()
            assert not {"Browser 1", "bot Browser 1"} & {*texts}
            seen += len(texts)
            older = page.get_by_role("button", name="Older")
            if await older.is_disabled():
                break
            first = await page.locator(".clicks tbody tr").first.get_attribute("data-click")
            await older.click()
            await expect(page.locator(f".clicks tbody tr[data-click={first}]")).to_have_count(0)
        assert seen == others


async def test_new_clicks_are_listed_if_the_list_is_filtered_by_what_they_have(browser: Browser, site: Site) -> None:
    url = f"{site.section('clicks')}?is.utm_campaign=summer"
    async with visiting(browser, url, token=site.token) as page:
        await loaded(page)
        await expect(page.locator(".empty")).to_have_text("No clicks in this period.")
        landing = "https://yoursite.com/?aff=PARTNER123&utm_campaign="
        await site.gateway.track(None, affiliate_url=f"{landing}winter", page_url="https://yoursite.com/other")
        await site.gateway.track(None, affiliate_url=f"{landing}summer", page_url="https://yoursite.com/mine")
        await expect(page.locator(".clicks tbody tr")).to_have_count(1)
        await expect(page.locator(".clicks tbody tr")).to_contain_text("yoursite.com/mine")
        await page.get_by_role("link", name="Overview").click()
        await expect(page.locator("[data-figure=clicks] .figure")).to_have_text("1")


async def test_new_clicks_are_left_out_of_the_list_if_they_have_what_is_excluded(browser: Browser, site: Site) -> None:
    hour = datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(hours=3)
    query = f"not.utm_campaign=winter&not.hour_of_day={hour.hour:02}&not.referrer=https://mine.example/a&is.language=de"
    async with visiting(browser, f"{site.section('clicks')}?{query}", token=site.token) as page:
        await loaded(page)
        await expect(page.locator(".empty")).to_have_text("No clicks in this period.")
        landing = "https://yoursite.com/?aff=PARTNER123"
        track = partial(site.gateway.track, None, language="de")
        await track(affiliate_url=f"{landing}&utm_campaign=winter", page_url="https://yoursite.com/winter")
        await track(affiliate_url=landing, page_url="https://yoursite.com/a", referrer_url="https://mine.example/a?b#c")
        await track(affiliate_url=landing, page_url="https://yoursite.com/english", language="en")
        await track(affiliate_url=landing, page_url="https://yoursite.com/taken", referrer_url="https://mine.example/b")
        await expect(page.locator(".clicks tbody tr")).to_have_count(1)
        await expect(page.locator(".clicks tbody tr")).to_contain_text("yoursite.com/taken")
        await page.reload()
        await loaded(page)
        await expect(page.locator(".clicks tbody tr")).to_have_count(1)
