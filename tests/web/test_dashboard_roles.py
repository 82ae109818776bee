"""What the dashboard shows first to partners, and to those who have nothing yet; and that anybody can use it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.consoles import Console
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import faults, loaded, visiting, width

PATHS = ("", "/reports", "/partners", "/links", "/clicks", "/customers", "/conversions")
URL = "https://yoursite.com/?aff=PARTNER123"
SUMS = "{ partnerPrograms(first: 1) { nodes { pending { formatted } balance { formatted } paid { formatted } } } }"
LOOKS = [(320, "dark"), (390, "light"), (820, "dark"), (1440, "light")]


async def own(page: Page, panel: str, name: str) -> str:
    """Return one of a partner's own figures."""
    return await page.get_by_role("region", name=panel).locator(f"[data-figure={name}] .figure").inner_text()


async def test_a_partner_finds_the_link_first(console: Console) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    look: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "permissions": permissions}
    async with console.visit(role="partner", **look) as page:
        await loaded(page)
        button = page.get_by_role("button", name="Copy the URL of PARTNER123")
        box = await button.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 500
        await button.click()
        await expect(page.get_by_role("button", name="Copied the URL of PARTNER123")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == URL
        links = page.get_by_role("region", name="Your links")
        await expect(links.get_by_role("paragraph")).to_have_count(3)
        await links.get_by_role("link", name="All 4 links").click()
        await expect(page.locator(".links tbody tr")).to_have_count(4)


async def test_a_partner_sees_today_this_month_and_the_commission_by_status(console: Console) -> None:
    async with console.visit("?zone=UTC&range=12m&is.browser=Nothing", "partner") as page:
        await loaded(page)
        now = datetime.now(UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        events = [event for event in await console.gateway.events() if event["partner_id"] == 1 and not event["is_bot"]]
        # What is filtered does not change what was earned.
        for panel, start in (("Today", today), ("This month", today.replace(day=1))):
            expected = sum(event["occurred_at"] >= start for event in events)
            await expect(
                page.get_by_role("region", name=panel).locator("[data-figure=own-people] .figure")
            ).to_have_text(f"{expected:,}")
            assert await own(page, panel, "own-sales") == "12"
        answer = await console.gateway.graphql(SUMS, token=console.tokens["partner"])
        (sums,) = answer["data"]["partnerPrograms"]["nodes"]
        assert sums["pending"]
        for name, amounts in sums.items():
            shown = ", ".join(each["formatted"] for each in amounts) or "None yet"
            assert await own(page, "Your commission", name) == shown


@pytest.fixture(scope="module")
async def newcomer(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as gateway:
        yield gateway


async def test_an_empty_database_has_something_to_say_in_each_section(console: Console, newcomer: Gateway) -> None:
    url = str(newcomer.http.base_url.join("/dashboard"))
    async with visiting(console.browser, url, token=await newcomer.token()) as page:
        for path, words in (
            ("", "No clicks in this period yet."),
            ("/reports", "Clicks by people"),
            ("/partners", "No partners yet."),
            ("/links", "No links yet."),
            ("/clicks", "No clicks in this period."),
            ("/customers", "Nobody came in this period."),
            ("/conversions", "No sales in this period."),
        ):
            await page.goto(f"{url}{path}")
            await loaded(page)
            await expect(page.get_by_text(words).first).to_be_visible()
            await expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
            assert await faults(page) == [], path


@pytest.mark.parametrize(("pixels", "colours"), LOOKS)
async def test_every_section_is_accessible(console: Console, pixels: int, colours: Any) -> None:
    look: dict[str, Any] = {"viewport": {"width": pixels, "height": 900}, "color_scheme": colours}
    for role, paths in (("program", PATHS), ("partner", ("",))):
        async with console.visit(role=role, reduced_motion="reduce", **look) as page:
            for path in paths:
                await page.goto(console.address(f"{path}?is.device_type=desktop"))
                await loaded(page)
                assert await faults(page) == [], path
                assert await width(page) == pixels, path


async def test_an_administrator_sees_all_of_it(console: Console) -> None:
    async with console.visit("/partners", "admin") as page:
        await loaded(page)
        await expect(page.get_by_role("banner")).to_contain_text("All programs")
        await expect(page.get_by_text("50 partners", exact=True)).to_be_visible()
