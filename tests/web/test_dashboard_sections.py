"""The sections of the dashboard: an address for each, what stays from one to the next, and who sees which."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.support.consoles import Console
from tests.support.web_pages import loaded

OWNERS = ["Overview", "Reports", "Partners", "Links", "Clicks", "Customers", "Conversions", "Rules", "Payouts", "Setup"]
PARTNERS = ["Overview", "Reports", "Links", "Clicks", "Conversions", "Rules", "Payouts"]
QUERY = "?range=7d&zone=Asia%2FTokyo&is.device_type=desktop"
# The name of the operation that reads each section.
ASKED = {
    "overview": {"Report"},
    "reports": {"Report", "Heads", "Cells"},
    "partners": {"Partners"},
    "links": {"Links"},
    "clicks": {"Clicks"},
    "customers": {"Customers"},
    "conversions": {"Conversions"},
    "rules": {"Rules"},
    "payouts": {"Owed", "Payouts"},
    "setup": {"Setup"},
}


def path(title: str) -> str:
    return "" if title == "Overview" else f"/{title.lower()}"


async def sections(page: Page) -> list[str]:
    return await page.get_by_role("navigation", name="Sections").get_by_role("link").all_inner_texts()


async def test_each_section_has_an_address_that_keeps_the_filters(console: Console) -> None:
    async with console.visit(QUERY) as page:
        await loaded(page)
        assert await sections(page) == OWNERS
        for title in [*OWNERS[1:], OWNERS[0]]:
            link = page.get_by_role("link", name=title, exact=True)
            await link.click()
            await expect(link).to_have_attribute("aria-current", "page")
            await expect(page.get_by_role("heading", level=1, name=title)).to_be_focused()
            await loaded(page)
            assert page.url == console.address(path(title) + QUERY)
            assert await page.title() == f"{title} \N{EN DASH} clickgate"
            assert await page.locator("[aria-current]").count() == 1
            await expect(page.get_by_role("button", name="Device is Desktop", exact=True)).to_be_visible()


async def test_addresses_can_be_reloaded_and_gone_back_to(console: Console) -> None:
    async with console.visit("/clicks?range=7d") as page:
        await loaded(page)
        await page.get_by_role("link", name="Links").click()
        await expect(page.locator(".links tbody tr")).to_have_count(20)
        await page.get_by_role("link", name="Conversions").click()
        await loaded(page)
        await page.reload()
        await expect(page.locator(".conversions tbody tr")).to_have_count(10)
        await page.go_back()
        await expect(page.get_by_role("heading", level=1, name="Links")).to_be_focused()
        await expect(page.locator(".links tbody tr")).to_have_count(20)
        await page.go_back()
        await expect(page.get_by_role("heading", level=1, name="Clicks")).to_be_focused()
        await expect(page.get_by_label("7 days")).to_be_checked()
        await page.go_forward()
        await expect(page.get_by_role("heading", level=1, name="Links")).to_be_focused()


@pytest.mark.parametrize("press", [{"modifiers": ["ControlOrMeta"]}, {"button": "middle"}])
async def test_a_section_can_be_opened_in_a_new_tab(console: Console, press: dict[str, Any]) -> None:
    async with console.visit(QUERY) as page:
        await loaded(page)
        async with page.context.expect_page() as opening:
            await page.get_by_role("link", name="Clicks").click(**press)
        tab = await opening.value
        await loaded(tab)
        assert tab.url == console.address(f"/clicks{QUERY}")
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Clicks")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        await tab.close()


async def test_partners_see_only_their_sections(console: Console) -> None:
    async with console.visit(role="partner") as page:
        await loaded(page)
        assert await sections(page) == PARTNERS


@pytest.mark.parametrize(("called", "role"), [("nothing", "program"), ("partners", "partner"), ("%E0%A4", "admin")])
async def test_an_address_without_a_section_shows_the_overview(console: Console, called: str, role: str) -> None:
    async with console.visit(f"/{called}?range=7d", role) as page:
        await loaded(page)
        await expect(page.get_by_text(f"There is no section “{called}” here. This is the overview.")).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        assert page.url == console.address("?range=7d&zone=Europe%2FBerlin")
        await page.get_by_role("link", name="Clicks").click()
        await expect(page.get_by_text("There is no section")).to_be_hidden()


async def test_what_one_page_showed_once_is_found_in_its_section(console: Console) -> None:
    async with console.visit("?list=commissions&status=pending&range=7d") as page:
        await loaded(page)
        assert page.url == console.address("/conversions?range=7d&zone=Europe%2FBerlin&list=commissions&status=pending")
        await expect(page.get_by_label("Status")).to_have_value("PENDING")


@pytest.mark.parametrize("section", ASKED)
async def test_a_section_asks_for_its_own_data_only(console: Console, section: str) -> None:
    asked: set[str] = set()

    def note(request: Request) -> None:
        if request.url.endswith("/graphql") and request.post_data:
            asked.update(re.findall(r"^\s*query (\w+)", json.loads(request.post_data)["query"]))

    async with console.visit(path(section.capitalize())) as page:
        page.on("request", note)
        await page.reload()
        await loaded(page)
        await page.wait_for_timeout(200)
        await page.wait_for_load_state("networkidle")
    assert asked - {"Viewer"} <= ASKED[section]
    assert asked - {"Viewer"}


async def test_the_heading_is_there_before_the_script(console: Console) -> None:
    async with console.visit() as page:
        await loaded(page)
        held: list[Route] = []
        await page.route("**/*.js", lambda route: held.append(route))
        await page.goto(console.address("/links"), wait_until="commit")
        await expect(page.get_by_role("heading", name="Loading…")).to_be_visible()
        await expect(page.get_by_text("clickgate", exact=True)).to_be_visible()
        while held:
            await held.pop().continue_()
            await page.wait_for_timeout(100)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Links")


async def test_the_skip_link_leads_past_the_navigation(console: Console) -> None:
    async with console.visit("/links") as page:
        await loaded(page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        address = page.url
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1, name="Links")).to_be_focused()
        assert page.url == address
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("button", name="CSV")).to_be_focused()


async def test_a_section_that_cannot_be_loaded_is_tried_again(console: Console) -> None:
    async with console.visit() as page:
        await loaded(page)
        # Or the dashboard might try again by itself first.
        await page.clock.install()
        await page.clock.pause_at(datetime.now() + timedelta(seconds=1))
        await page.route(re.compile("/dashboard/|/assets/|/dashboard$"), lambda route: route.abort())
        await page.get_by_role("link", name="Links").click()
        await expect(page.get_by_role("alert")).to_contain_text("Retrying in 3 s")
        await page.unroute_all()
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator(".links tbody tr")).to_have_count(20)


async def test_keys_that_pass_by_choices_load_only_the_last(console: Console) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        if "query Clicks" in (request.post_data or ""):
            asked.append(json.loads(request.post_data or "")["variables"]["filter"]["occurredFrom"])

    async with console.visit("/clicks?range=today") as page:
        page.on("request", note)
        await page.reload()
        await loaded(page)
        await page.get_by_role("radio", name="Today").focus()
        await page.clock.install()
        await page.clock.pause_at(datetime.now() + timedelta(seconds=1))
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("radio", name="90 days")).to_be_focused()
        await page.clock.resume()
        await page.wait_for_url(re.compile("range=90d"))
        await loaded(page)
        # Neither 7 days nor 30; what is shown may have been read more than once.
        assert len({*asked}) == 2
        await page.get_by_role("radio", name="90 days").focus()
        await page.keyboard.press("ArrowRight")
        # Who leaves the field has made up their mind.
        await page.keyboard.press("Tab")
        assert "range=month" in page.url


@pytest.mark.parametrize(
    ("old", "present"),
    [("Asia/Calcutta", "Asia/Kolkata"), ("Europe/Kiev", "Europe/Kyiv"), ("Asia/Saigon", "Asia/Ho_Chi_Minh")],
)
async def test_time_zones_have_their_present_names(console: Console, old: str, present: str) -> None:
    async with console.visit(timezone_id=old) as page:
        await loaded(page)
        await expect(page.get_by_label("Time zone")).to_have_value(present)
        names = await page.get_by_label("Time zone").locator("option").all_inner_texts()
        assert old not in names
        assert len(names) == len(set(names)) > 300
        await page.goto(console.address(f"/clicks?zone={old}"))
        await loaded(page)
        await expect(page.get_by_label("Time zone")).to_have_value(present)
        await expect(page.locator(".filters .note")).to_be_hidden()
