"""Whole rankings on the dashboard: opened from a card, searched, sorted, read page by page, and as a file."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Page, Response, Route, expect

from db.ingest.clicks.records import Click, VisitRecord
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import faults, figure, loaded, table, visiting, width

pytestmark = pytest.mark.slow

COUNTRIES = (
    *("DE", "AT", "CH", "FR", "ES", "PT", "IT", "GR", "TR", "BG", "RO", "HU", "PL", "CZ", "SK", "SI", "HR", "RS"),
    *("UA", "MD", "LT", "LV", "EE", "FI", "SE", "NO", "DK", "NL", "BE", "LU", "IE", "GB", "IS", "US", "CA", "MX"),
    *("BR", "AR", "CL", "JP", "KR", "CN", "IN", "AU"),
)
# More than the gateway gives at a time.
CITIES = 130
WHOLE, PHONE = ".whole", {"width": 390, "height": 844}


class Site(NamedTuple):
    """A gateway with clicks from many countries, and a browser. `reports` is the address of the section that has all
    rankings, and `token` that of the program."""

    browser: Browser
    reports: str
    token: str
    clicks: Sequence[Any]

    def visit(self, query: str = "", **look: Any) -> AbstractAsyncContextManager[Page]:
        """Open the rankings."""
        return visiting(self.browser, self.reports + query, token=self.token, **look)

    def counts(self, **wanted: Any) -> list[int]:
        """Return how many clicks each country has, the most first."""
        chosen = [each for each in self.clicks if all(getattr(each, name) == is_ for name, is_ in wanted.items())]
        return sorted(Counter(each.country for each in chosen).values(), reverse=True)


@pytest.fixture(scope="module")
async def site(make_sqlite: MakeDatabase, browser: Browser) -> AsyncIterator[Site]:
    async with running_gateway(make_sqlite()) as gateway:
        link = await gateway.link(destination_url="https://yoursite.com/")
        clicks = await record(gateway, link)
        token = await gateway.token("program", program_id=link["program_id"])
        yield Site(browser, str(gateway.http.base_url.join("/dashboard/reports")), token, clicks)


async def record(gateway: Gateway, link: dict[str, Any]) -> Sequence[Any]:
    """Record clicks, of which each country has fewer than the one before, and every third is from a phone."""
    committer = make_committer(gateway.store)
    ended = gateway.context.services.clock() - timedelta(hours=1)
    visits = [
        VisitRecord(
            country=country,
            city=f"City {place * number % CITIES}",
            device_type=("mobile", "desktop", "desktop")[number % 3],
            is_bot=number % 7 == 6,
        )
        for place, country in enumerate((*COUNTRIES, None))
        for number in range(50 - place)
    ]
    ids = link["program_id"], link["id"], link["partner_id"]
    await committer.commit([Click(ended, *ids, f"https://yoursite.com/?aff={link['code']}", each) for each in visits])
    await committer.disconnect()
    return visits


async def clicks_shown(page: Page) -> list[int]:
    return [int(row[1]) for row in await table(page, WHOLE)]


async def settled(page: Page) -> None:
    await loaded(page)
    await expect(page.locator(WHOLE)).to_have_attribute("aria-busy", "false")


async def test_a_card_opens_the_whole_ranking_which_is_read_page_by_page(site: Site) -> None:
    expected = site.counts()
    async with site.visit() as page:
        await loaded(page)
        opener = page.get_by_role("button", name=f"All {len(expected)} countries")
        await opener.press("Enter")
        await settled(page)
        await expect(page.locator(WHOLE)).to_be_focused()
        assert "all=country" in page.url
        await expect(page.get_by_text(f"1 to 20 of {len(expected)} countries")).to_be_visible()
        seen = await clicks_shown(page)
        for start in (21, 41):
            await page.get_by_role("button", name="Next").press("Enter")
            await expect(page.get_by_text(f"{start} to {min(start + 19, len(expected))} of")).to_be_visible()
            seen += await clicks_shown(page)
        assert seen == expected
        # The last page has none after it, so the focus goes to the other button.
        await expect(page.get_by_role("button", name="Next")).to_be_disabled()
        await expect(page.get_by_role("button", name="Previous")).to_be_focused()
        assert "page=3" in page.url
        await page.reload()
        await settled(page)
        assert await clicks_shown(page) == expected[40:]
        await page.go_back()
        await settled(page)
        assert await clicks_shown(page) == expected[20:40]
        await page.get_by_role("button", name="Back to rankings").press("Enter")
        await expect(opener).to_be_focused()
        assert not {"all", "page"} & {part.split("=")[0] for part in page.url.partition("?")[2].split("&")}


async def test_a_whole_ranking_is_searched_by_what_the_page_calls_its_values(site: Site) -> None:
    async with site.visit("?all=country&page=2") as page:
        await settled(page)
        search = page.get_by_label("Search")
        await search.press_sequentially("land", delay=20)
        await expect(page.locator(f"{WHOLE} tbody tr")).to_have_count(6)
        found = [row[0] for row in await table(page, WHOLE)]
        assert sorted(found) == ["Finland", "Iceland", "Ireland", "Netherlands", "Poland", "Switzerland"]
        assert "find=land" in page.url
        assert "page" not in page.url
        await expect(search).to_be_focused()
        await search.fill("turkiye")
        await expect(page.locator(f"{WHOLE} tbody th")).to_have_text(["Türkiye"])
        await search.fill("Atlantis")
        await expect(page.get_by_text("No countries match.")).to_be_visible()
        await search.fill("")
        await expect(page.locator(f"{WHOLE} tbody tr")).to_have_count(20)


async def test_a_pressed_row_filters_and_the_ranking_keeps_its_place(site: Site) -> None:
    async with site.visit("?all=country&page=2") as page:
        await settled(page)
        before = await table(page, WHOLE)
        row = page.locator(WHOLE).get_by_role("button", name="Lithuania", exact=True)
        await row.click()
        await settled(page)
        assert await figure(page, "clicks") == sum(each.country == "LT" for each in site.clicks)
        await expect(row).to_have_attribute("aria-pressed", "true")
        await expect(row).to_be_focused()
        assert await table(page, WHOLE) == before
        await row.click()
        await settled(page)
        # A filter on anything else changes the ranking, which begins anew.
        await page.goto(f"{site.reports}?all=country&is.device_type=mobile&who=people")
        await settled(page)
        assert await clicks_shown(page) == site.counts(device_type="mobile", is_bot=False)[:20]


async def test_a_whole_ranking_is_sorted_by_its_headings(site: Site) -> None:
    expected = site.counts()
    async with site.visit("?all=country") as page:
        await settled(page)
        heading = page.locator(WHOLE).get_by_role("columnheader", name="Clicks")
        await expect(heading).to_have_attribute("aria-sort", "descending")
        await heading.get_by_role("button").press("Enter")
        await expect(heading).to_have_attribute("aria-sort", "ascending")
        await settled(page)
        await expect(heading.get_by_role("button")).to_be_focused()
        assert await clicks_shown(page) == expected[::-1][:20]
        assert "order=fewest-clicks" in page.url
        # The names on the page are not what the gateway would sort by.
        await expect(
            page.locator(WHOLE).get_by_role("columnheader", name="Country").get_by_role("button")
        ).to_have_count(0)


async def lines_of(page: Page, button: str) -> list[dict[str, str]]:
    """Press a button that makes a file, and return the lines of the file."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name=button).click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


async def test_the_file_of_a_whole_ranking_has_every_row_that_is_searched_for(site: Site) -> None:
    for query, wanted in (("", len(COUNTRIES) + 1), ("&find=land", 6)):
        async with site.visit(f"?all=country&page=2{query}") as page:
            await settled(page)
            rows = await lines_of(page, "CSV of all countries")
            assert len(rows) == wanted
            clicks = [int(row["clicks"]) for row in rows]
            assert clicks == (sorted(clicks, reverse=True) if query else site.counts())


@pytest.mark.parametrize("tab", ["COUNTRY", "CITY"])
async def test_the_file_of_all_rankings_has_every_row_of_every_card(site: Site, tab: str) -> None:
    kind = tab.lower()
    async with site.visit(f"?by={kind}&who=people" if tab == "CITY" else "?who=people") as page:
        await loaded(page)
        shown = await page.locator(".rankings tbody tr").count()
        rows = await lines_of(page, "CSV of all rankings")
        await expect(page.get_by_text(f"The file has {len(rows)} lines.")).to_be_visible()
    people = [each for each in site.clicks if not each.is_bot]
    assert len(rows) > shown
    by_kind = Counter[str]()
    for row in rows:
        by_kind[row["kind"]] += int(row["clicks"])
    assert {"Link", "Partner", "Landing page", "Device", "Day of the week", tab.capitalize()} <= by_kind.keys()
    assert set(by_kind.values()) == {len(people)}
    places = [int(row["clicks"]) for row in rows if row["kind"] == tab.capitalize()]
    assert places == sorted(Counter(getattr(each, kind) for each in people).values(), reverse=True)
    assert len(places) > (100 if tab == "CITY" else 8)


async def test_the_file_of_all_rankings_can_be_stopped_and_says_why_there_is_none(site: Site) -> None:
    async with site.visit() as page:
        await loaded(page)
        asked = asyncio.Event()

        async def keep_waiting(route: Route) -> None:
            if "WholeRanking" in (route.request.post_data or ""):
                asked.set()
            else:
                await route.continue_()

        await page.route("**/graphql", keep_waiting)
        await page.get_by_role("button", name="CSV of all rankings").click()
        await asyncio.wait_for(asked.wait(), 10)
        await page.get_by_role("button", name="Stop the CSV of all rankings").click()
        await expect(page.get_by_text("No file was made.")).to_be_visible()
        await page.unroute("**/graphql")

        async def refuse(route: Route) -> None:
            if "WholeRanking" in (route.request.post_data or ""):
                error = {"message": "The report takes too long", "extensions": {"code": "TOO_COMPLEX"}}
                await route.fulfill(json={"data": None, "errors": [error]})
            else:
                await route.continue_()

        await page.route("**/graphql", refuse)
        await page.get_by_role("button", name="CSV of all rankings").click()
        await expect(page.get_by_text("The file could not be made: The report takes too long.")).to_be_visible()
        await page.unroute("**/graphql")
        assert await lines_of(page, "CSV of all rankings")


@pytest.mark.parametrize(
    "query", ["all=hour_of_day", "all=nothing", "page=2", "find=x", "all=country&page=0", "all=country&page=99999"]
)
async def test_an_address_that_makes_no_sense_shows_the_page_without_it(site: Site, query: str) -> None:
    async with site.visit(f"?{query}") as page:
        await loaded(page)
        wrong = query.rpartition("&")[2]
        await expect(page.get_by_text(wrong)).to_be_visible()
        assert wrong not in page.url


async def test_a_page_that_is_gone_leads_back_to_the_last_one(site: Site) -> None:
    async with site.visit("?all=country&page=9") as page:
        await settled(page)
        await expect(page.get_by_text("There are fewer pages by now.")).to_be_visible()
        await page.get_by_role("button", name="Previous").click()
        await settled(page)
        assert await clicks_shown(page) == site.counts()[40:]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, {"width": 1440, "height": 900}], ids=["phone", "wide"])
async def test_a_whole_ranking_is_accessible(site: Site, screen: Any, colours: Any) -> None:
    look: dict[str, Any] = {"viewport": screen, "color_scheme": colours, "reduced_motion": "reduce"}
    costs: list[Response] = []
    async with site.visit("?all=country&page=2", **look) as page:
        page.on("response", lambda answer: costs.append(answer) if answer.url.endswith("/graphql") else None)
        await settled(page)
        assert await faults(page) == []
        assert await width(page) == screen["width"]
        await page.get_by_label("Search").fill("a")
        await expect(page.locator(".where", has_text="countries").first).to_be_visible()
        await settled(page)
        requested = [(await answer.json())["extensions"]["cost"] for answer in costs]
        assert max(each["requested"] for each in requested) < requested[0]["maximum"] / 3
