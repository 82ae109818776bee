"""The cross table of the dashboard: two dimensions against each other, with totals that are right, and its CSV file."""

import csv
import io
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.databases import MakeDatabase
from tests.support.drilldown_sites import Site, running_site
from tests.support.web_pages import faults, figure, loaded, visiting, width

ROWS = 10
NARROW = {"width": 320, "height": 740}
LONG, ARABIC = "A partner with a name of " + "many " * 40 + "words", "شريك التسويق بالعمولة في مدينة بعيدة جدا عن هنا"


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_site(make_sqlite) as running:
        yield running


async def cross(page: Page) -> list[list[str]]:
    """Return the table's cells, with its head and foot."""
    await expect(page.locator(".crossing")).to_have_attribute("aria-busy", "false")
    rows: list[list[str]] = await page.eval_on_selector_all(
        ".cross tr", "rows => rows.map(row => [...row.children].map(cell => cell.textContent.trim()))"
    )
    return rows


def count(events: Sequence[dict[str, Any]], figure: str) -> int:
    return len({event["customer_id"] for event in events}) if figure == "visitors" else len(events)


def expected_cells(
    events: Sequence[dict[str, Any]], rows: Sequence[str | None], columns: Sequence[str | None], figure: str
) -> list[list[int]]:
    """Recount a table of cities by browsers: a line for each row, the others and the total, with the same columns."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        row = str(event["city"]) if event["city"] in rows else "others"
        column = str(event["browser"]) if event["browser"] in columns else "others"
        for key in ((row, column), (row, "total"), ("total", column), ("total", "total")):
            groups[key].append(event)
    return [
        [count(groups[row, column], figure) for column in (*map(str, columns), "others", "total")]
        for row in (*map(str, rows), "others", "total")
    ]


@pytest.mark.parametrize("figure", ["clicks", "visitors"])
async def test_all_cells_and_totals_are_those_of_a_recount(browser: Browser, site: Site, figure: str) -> None:
    url = f"{site.reports}?rows=city&columns=browser&figure={figure}"
    async with visiting(browser, url, token=site.token) as page:
        await loaded(page)
        shown: set[str] = set()
        for number in range(2):
            head, *lines = await cross(page)
            assert head[0] == "City by browser"
            assert head[-2:] == ["3 others", "Total"]
            rows = [None if line[0] == "Unknown" else line[0] for line in lines[:-2]]
            assert len(rows) == (ROWS, 15 - ROWS)[number]
            assert lines[-2][0] == f"{15 - len(rows)} others"
            cells = [[int(cell) for cell in line[1:]] for line in lines]
            assert cells == expected_cells(site.events, rows, head[1:-2], figure)
            assert shown.isdisjoint(map(str, rows))
            shown.update(map(str, rows))
            if number == 0:
                await expect(page.get_by_text("Rows 1 to 10 of 15")).to_be_visible()
                await page.get_by_role("button", name="Next rows").click()
                await expect(page.get_by_text("Rows 11 to 15 of 15")).to_be_visible()
                # The button cannot be pressed again, and has passed the focus on.
                await expect(page.get_by_role("region", name="Cells of the cross table")).to_be_focused()
        assert shown == {str(event["city"]) for event in site.events}
        await expect(page.get_by_role("button", name="Next rows")).to_be_disabled()
        await page.get_by_role("button", name="Previous rows").click()
        await expect(page.get_by_text("Rows 1 to 10 of 15")).to_be_visible()


async def test_a_cell_filters_by_both_of_its_values(browser: Browser, site: Site) -> None:
    url = f"{site.reports}?rows=country&columns=device_type"
    async with visiting(browser, url, token=site.token) as page:
        await loaded(page)
        table = page.get_by_role("region", name="Cells of the cross table")
        row = table.get_by_role("row").filter(has_text="Unknown")
        clicks = await row.get_by_role("cell").first.inner_text()
        device = (await cross(page))[0][1]
        await row.get_by_role("button", name=clicks, exact=True).first.press("Enter")
        await loaded(page)
        assert await page.locator(".chip .turn").all_inner_texts() == ["Country is unknown", f"Device is {device}"]
        assert await figure(page, "clicks") == int(clicks)
        assert await cross(page) == [
            ["Country by device", device, "Total"],
            ["Unknown", clicks, clicks],
            ["Total", clicks, clicks],
        ]
        assert await page.evaluate("document.activeElement.closest('.crossing') !== null")


async def test_what_the_table_shows_can_be_chosen_and_is_kept(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.reports, token=site.token) as page:
        await loaded(page)
        assert (await cross(page))[0][0] == "Landing page by device"
        panel = page.locator(".crossing")
        await panel.get_by_label("Rows").select_option("Country")
        # The same dimension twice would say nothing.
        await panel.get_by_label("Columns").select_option("Country")
        assert (await cross(page))[0][0] == "Device by country"
        await panel.get_by_label("Figure").select_option("Sales")
        assert all(part in page.url for part in ("rows=device_type", "columns=country", "figure=sales"))
        await page.reload()
        await loaded(page)
        assert (await cross(page))[0][0] == "Device by country"
        await expect(panel.get_by_label("Figure")).to_have_value("sales")
        assert await panel.get_by_label("Rows").locator("option", has_text="Program").count() == 0


async def test_the_file_has_every_pair(browser: Browser, site: Site) -> None:
    async with visiting(browser, f"{site.reports}?rows=city&columns=browser&not.country=FR", token=site.token) as page:
        await loaded(page)
        rows = await saved(page)
        events = [event for event in site.events if event["country"] != "FR"]
        pairs = defaultdict(list)
        for event in events:
            pairs[event["city"] or "Unknown", event["browser"]].append(event)
        assert len(pairs) > 100
        assert len(rows) == len(pairs)
        for row in rows:
            of = pairs[row["City"], row["Browser"]]
            assert int(row["clicks"]) == len(of)
            assert int(row["bots"]) == sum(event["is_bot"] for event in of)
            assert int(row["visitors"]) == count(of, "visitors")
        await expect(page.get_by_text(f"The file has {len(pairs)} lines.")).to_be_visible()
    async with visiting(browser, f"{site.reports}?rows=country&columns=utm_campaign", token=site.token) as page:
        await loaded(page)
        names = {(row["Country"], row["Campaign"]) for row in await saved(page)}
        assert names == {
            (country, campaign)
            for country in ("Germany", "United States", "France", "Unknown")
            for campaign in ("spring", "'=SUM(A1)", "Unknown")
        }


async def saved(page: Page) -> list[dict[str, str]]:
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="CSV of cross table").click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_long_names_move_nothing_on_a_narrow_screen(browser: Browser, site: Site, colours: Any) -> None:
    program = {"id": 1}
    for code, name in (("LONG", LONG[:255]), ("ARABIC", ARABIC)):
        partner = await site.gateway.partner(program, name=name)
        await site.gateway.link(code, program=program, partner=partner)
        await site.gateway.track(code)
    look: dict[str, Any] = {"viewport": NARROW, "color_scheme": colours, "reduced_motion": "reduce"}
    url = f"{site.reports}?rows=partner&columns=browser&is.city=City A&not.browser=Browser 1"
    async with visiting(browser, f"{site.reports}?rows=partner&columns=browser", token=site.token, **look) as page:
        await loaded(page)
        await page.locator("[data-ranking=partners]").get_by_role("button", name=LONG[:60]).click()
        await page.locator("[data-ranking=partners]").get_by_role("button", name=ARABIC).click()
        await loaded(page)
        assert len(await cross(page)) == 4
        assert await width(page) == NARROW["width"]
        assert await faults(page) == []
        for edge in await page.eval_on_selector_all(
            ".chip", "chips => chips.map(c => c.getBoundingClientRect().right)"
        ):
            assert edge <= NARROW["width"]
    async with visiting(browser, url, token=site.token, **look) as page:
        await loaded(page)
        assert await width(page) == NARROW["width"]
        assert await faults(page) == []
