"""The lists of partners, links and customers: searched, sorted, page by page, with long names, and kept fresh."""

import csv
import io
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.consoles import ARABIC, CHINESE, LINKS, LONG, PARTNERS, Console
from tests.support.web_pages import loaded

ALL_LINKS = LINKS + 1 - LINKS // PARTNERS + 3


async def names(page: Page, table: str) -> list[str]:
    return await page.locator(f".{table} tbody th a").all_inner_texts()


async def test_links_are_read_page_by_page(console: Console) -> None:
    async with console.visit("/links?sort=code") as page:
        await loaded(page)
        await expect(page.get_by_text(f"{ALL_LINKS} links", exact=True)).to_be_visible()
        seen: list[str] = []
        while True:
            shown = await names(page, "links")
            assert not {*seen} & {*shown}
            seen += shown
            button = page.get_by_role("button", name="Next")
            if await button.is_disabled():
                break
            await button.click()
            await expect(page.locator(".links tbody th a").first).not_to_have_text(shown[0])
        assert seen == sorted(seen)
        assert len(seen) == ALL_LINKS


async def test_links_are_searched_while_typing(console: Console) -> None:
    async with console.visit("/links") as page:
        await loaded(page)
        await page.get_by_label("Search").press_sequentially("partner 07", delay=20)
        await expect(page.get_by_text("4 links", exact=True)).to_be_visible()
        assert sorted(await names(page, "links")) == [f"CODE-07-{number}" for number in range(4)]
        await expect(page.get_by_label("Search")).to_be_focused()
        assert "search=partner+07" in page.url
        await page.reload()
        await expect(page.get_by_text("4 links", exact=True)).to_be_visible()
        await page.get_by_label("Search").fill("no such link")
        await expect(page.get_by_text("No links match.")).to_be_visible()
        await page.get_by_label("Search").fill("")
        await expect(page.get_by_text(f"{ALL_LINKS} links", exact=True)).to_be_visible()
        assert "search" not in page.url


async def test_paused_links_are_found_by_their_status(console: Console) -> None:
    async with console.visit("/links", "partner") as page:
        await loaded(page)
        await page.get_by_label("Status").select_option("Paused")
        await expect(page.locator(".links tbody tr")).to_have_count(1)
        await expect(page.locator(".links tbody th")).to_contain_text("SECONDpaused")
        assert page.url.endswith("state=inactive")


async def test_partners_are_sorted_and_lead_to_their_overview(console: Console) -> None:
    async with console.visit("/partners") as page:
        await loaded(page)
        assert (await names(page, "partners"))[0] == "A partner"
        await page.get_by_label("Sort by").select_option("Name, A to Z")
        await expect(page.locator(".partners tbody th a").first).to_have_text(LONG.strip())
        assert page.url.endswith("sort=name")
        await page.get_by_label("Search").fill(CHINESE[:3])
        await expect(page.locator(".partners tbody tr")).to_have_count(1)
        await page.get_by_role("link", name=CHINESE).click()
        await loaded(page)
        await expect(page.get_by_role("heading", level=1, name="Overview")).to_be_focused()
        await expect(page.get_by_role("button", name=f"Partner is {CHINESE}", exact=True)).to_be_visible()
        assert "search" not in page.url


async def test_the_file_of_a_list_has_all_rows_of_what_is_shown(console: Console) -> None:
    for path, list_name, column, shown in (
        ("/links?search=partner+07", "links to share", "code", [f"CODE-07-{number}" for number in range(3, -1, -1)]),
        ("/links?state=inactive", "links to share", "code", ["SECOND"]),
        ("/customers?stage=conversion", "customers", "customer_key", ["user_1"]),
    ):
        async with console.visit(path) as page:
            await loaded(page)
            assert await rows_of_file(page, list_name, column) == shown
    async with console.visit("/links") as page:
        await loaded(page)
        assert len(await rows_of_file(page, "links to share", "code")) == ALL_LINKS


async def rows_of_file(page: Page, list_name: str, column: str) -> list[str]:
    """Download the file of a list; return a column of it."""
    async with page.expect_download() as saving:
        await page.get_by_role("button", name=f"CSV of {list_name}").click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    return [row[column] for row in csv.DictReader(io.StringIO(text))]


async def test_customers_are_listed_by_how_far_they_came(console: Console) -> None:
    async with console.visit("/customers") as page:
        await loaded(page)
        await expect(page.locator(".customers tbody tr")).to_have_count(20)
        await page.get_by_role("radio", name="Bought").check()
        await expect(page.locator(".customers tbody tr")).to_have_count(1)
        await expect(page.locator(".customers tbody tr")).to_contain_text("user_1")
        assert page.url.endswith("stage=conversion")
        await page.get_by_role("radio", name="Signed up").check()
        await expect(page.get_by_text("Nobody matches in this period.")).to_be_visible()


@pytest.mark.parametrize(("section", "table"), [("links", "links"), ("partners", "partners")])
async def test_lists_stay_as_fresh_as_the_totals(console: Console, section: str, table: str) -> None:
    async with console.visit(f"/{section}") as page:
        await loaded(page)
        cell = page.locator(f".{table} tbody tr").first.locator("td[data-label=Clicks]")
        clicks = int((await cell.inner_text()).replace(",", ""))
        await console.gateway.track()
        await expect(cell).to_have_text(f"{clicks + 1:,}")


async def test_the_focus_stays_where_it_is_while_lists_change(console: Console) -> None:
    async with console.visit("/links?search=PARTNER123") as page:
        await loaded(page)
        button = page.get_by_role("button", name="Copy the URL of PARTNER123")
        await button.focus()
        cell = page.locator(".links td[data-label=Clicks]")
        clicks = int((await cell.inner_text()).replace(",", ""))
        await console.gateway.track()
        await expect(cell).to_have_text(f"{clicks + 1:,}")
        await expect(button).to_be_focused()
        await page.goto(console.address("/links?search=code-1"))
        await loaded(page)
        forth, back = [page.get_by_role("button", name=name) for name in ("Next", "Previous")]
        await forth.press("Enter")
        await expect(forth).to_be_disabled()
        await expect(back).to_be_focused()
        await back.press("Enter")
        await expect(forth).to_be_focused()


LISTS = ("", "/reports", "/partners", "/links", "/clicks", "/customers", "/conversions")


@pytest.mark.parametrize("pixels", [320, 820, 1440, 1920])
async def test_long_and_foreign_names_move_nothing(console: Console, pixels: int) -> None:
    look: dict[str, Any] = {"viewport": {"width": pixels, "height": 900}}
    async with console.visit(**look) as page:
        for path in LISTS:
            await page.goto(console.address(f"{path}?range=90d"))
            await loaded(page)
            assert await page.evaluate("document.documentElement.scrollWidth") == pixels, path
            for name in (LONG[:40], ARABIC, CHINESE):
                found = page.locator(".partners a, [data-ranking=partners] button").filter(has_text=name)
                for each in await found.all():
                    assert await each.get_attribute("dir") == "auto"
                    assert name in (await each.get_attribute("title") or "")
            for off in await page.evaluate(MISALIGNED):
                pytest.fail(f"{path} at {pixels}: {off}")
    async with console.visit(role="long", **look) as page:
        await loaded(page)
        assert await page.evaluate("document.documentElement.scrollWidth") == pixels


# The headings of columns that do not end where the numbers below them end.
MISALIGNED = """() => [...document.querySelectorAll("table")].flatMap(table => {
  if (!table.tHead || !table.tBodies[0]?.rows.length) return [];
  if (getComputedStyle(table.tHead).position === "absolute") return [];
  const edge = cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return range.getBoundingClientRect().right;
  };
  const [head, body] = [table.tHead.rows[0].cells, table.tBodies[0].rows[0].cells];
  return [...head].flatMap((cell, at) =>
    cell.matches(".number") && cell.offsetWidth && Math.abs(edge(cell) - edge(body[at])) > 1 ? [cell.textContent] : []);
})"""


async def test_no_section_is_endless_on_a_phone(console: Console) -> None:
    async with console.visit(viewport={"width": 390, "height": 844}) as page:
        for path in LISTS:
            await page.goto(console.address(path))
            await loaded(page)
            assert await page.evaluate("document.documentElement.scrollHeight") < 6000, path


async def test_what_is_cut_off_on_a_computer_is_whole_on_a_phone(console: Console) -> None:
    async with console.visit("/partners?search=as+long", viewport={"width": 390, "height": 844}) as page:
        await loaded(page)
        name = page.locator(".partners tbody th a")
        await expect(name).to_have_text(re.compile("^A name"))
        assert await name.evaluate("name => name.scrollWidth - name.clientWidth") <= 0


async def test_no_other_section_styles_the_lists(console: Console) -> None:
    async with console.visit("/partners?search=Partner+07") as page:
        await loaded(page)
        search, sort = [await page.get_by_label(name).bounding_box() for name in ("Search", "Sort by")]
        assert search is not None
        assert sort is not None
        assert search["y"] == sort["y"]
        await page.set_viewport_size({"width": 390, "height": 844})
        row = page.locator(".partners tbody th").filter(has_text="Partner 07")
        menu = await row.get_by_role("button", name="Actions for").bounding_box()
        name = await row.get_by_role("link").bounding_box()
        assert name is not None
        assert menu is not None
        assert name["y"] < menu["y"] + menu["height"]
        assert menu["y"] < name["y"] + name["height"]


@pytest.mark.parametrize(
    ("section", "table", "column", "first", "second"),
    [
        ("links", "links", "Link", ("ascending", "code"), ("descending", "code-z-to-a")),
        ("links", "links", "Sales", ("descending", "sales"), ("ascending", "fewest-sales")),
        ("partners", "partners", "Partner", ("ascending", "name"), ("descending", "name-z-to-a")),
        ("partners", "partners", "Last click", ("descending", "latest"), ("ascending", "earliest")),
    ],
)
async def test_headings_sort_and_sort_the_other_way_round(
    console: Console, section: str, table: str, column: str, first: tuple[str, str], second: tuple[str, str]
) -> None:
    async with console.visit(f"/{section}") as page:
        await loaded(page)
        heading = page.locator(f".{table}").get_by_role("columnheader", name=column, exact=True)
        await expect(page.get_by_role("columnheader", name="Clicks")).to_have_attribute("aria-sort", "descending")
        tops = []
        for direction, name in (first, second):
            await heading.get_by_role("button").press("Enter")
            await expect(heading).to_have_attribute("aria-sort", direction)
            await expect(heading.get_by_role("button")).to_be_focused()
            await expect(page.locator("th[aria-sort]")).to_have_count(1)
            # The choice says the same, in words.
            await expect(page.get_by_label("Sort by")).to_have_value(name)
            assert f"sort={name}" in page.url
            tops.append((await names(page, table))[0])
        if column in ("Link", "Partner"):
            assert tops[0] < tops[1]
        await expect(page.get_by_role("columnheader", name="Revenue").get_by_role("button")).to_have_count(0)


async def test_a_phone_sorts_by_the_choice_above_the_list(console: Console) -> None:
    async with console.visit("/links", viewport={"width": 390, "height": 844}) as page:
        await loaded(page)
        await expect(page.locator(".links .sort").first).to_be_hidden()
        await page.get_by_label("Sort by").select_option("Code, Z to A")
        await expect(page.locator(".links th[aria-sort=descending]")).to_have_text("Link")
        shown = await names(page, "links")
        assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize(
    ("section", "table", "column"),
    [("clicks", "clicks", "Time"), ("customers", "customers", "First click"), ("conversions", "conversions", "Time")],
)
async def test_lists_of_what_happened_begin_with_the_newest_or_the_oldest(
    console: Console, section: str, table: str, column: str
) -> None:
    async with console.visit(f"/{section}") as page:
        await loaded(page)
        heading = page.locator(f".{table}").get_by_role("columnheader", name=column, exact=True)
        await expect(heading).to_have_attribute("aria-sort", "descending")
        newest = (await table_rows(page, table))[0]
        await heading.get_by_role("button").press("Enter")
        await expect(heading).to_have_attribute("aria-sort", "ascending")
        await expect(heading.get_by_role("button")).to_be_focused()
        await expect(page.get_by_label("Sort by")).to_have_value("oldest")
        assert "sort=oldest" in page.url
        oldest = await table_rows(page, table)
        assert oldest[0] != newest
        # The rest is on the pages after this one.
        forth = page.get_by_role("button", name="Next" if section == "customers" else "Newer")
        if await forth.is_visible():
            await forth.press("Enter")
            await expect(page.locator(f".{table} tbody tr").first).not_to_have_text(oldest[0])
            assert not {*oldest} & {*await table_rows(page, table)}
        await page.reload()
        await loaded(page)
        assert await table_rows(page, table) == oldest
        await expect(heading).to_have_attribute("aria-sort", "ascending")
        await page.get_by_label("Sort by").select_option("Newest first")
        await expect(heading).to_have_attribute("aria-sort", "descending")
        assert "sort" not in page.url
        # The order is that of this list only.
        await heading.get_by_role("button").click()
        await page.get_by_role("link", name="Links", exact=True).click()
        await loaded(page)
        assert "sort" not in page.url


async def table_rows(page: Page, table: str) -> list[str]:
    """Return what is in the rows of a table."""
    return await page.locator(f".{table} tbody tr").all_text_contents()


async def test_the_oldest_clicks_and_sales_come_first_and_new_clicks_last(console: Console) -> None:
    async with console.visit("/clicks?sort=oldest&range=7d") as page:
        await loaded(page)
        times = await page.locator(".clicks tbody time").evaluate_all("times => times.map(time => time.dateTime)")
        assert len(times) == 20
        assert times == sorted(times)
        await console.gateway.track()
        await page.wait_for_timeout(1500)
        shown = await page.locator(".clicks tbody time").evaluate_all("times => times.map(time => time.dateTime)")
        assert shown == times
        await expect(page.get_by_role("button", name=re.compile("new click"))).to_be_hidden()
        await expect(page.get_by_role("button", name="Older")).to_be_disabled()
        await expect(page.get_by_role("button", name="Newer")).to_be_enabled()
    async with console.visit("/conversions?sort=oldest") as page:
        await loaded(page)
        orders = await page.locator(".conversions tbody tr").all_text_contents()
        assert [f"order-{number}" in order for number, order in enumerate(orders)] == [True] * 10
        await page.get_by_role("radio", name="Commissions").check()
        await expect(page.locator(".conversions th[aria-sort=ascending]")).to_have_text("Time")
        assert "sort=oldest" in page.url
