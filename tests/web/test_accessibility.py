"""Accessibility: narrow screens, dark mode, screen readers and keyboards."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.support.click_history import hourly, record_past
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import faults, loaded, visiting, width

NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1440, "height": 900}
NAMES = ("reports", "partners", "links", "clicks", "customers", "conversions", "rules", "payouts", "import")
SECTIONS = ("", *(f"/{name}" for name in NAMES))
BETWEEN = (320, 480, 701, 820, 901, 1100, 1440)
LONG = "https://yoursite.com/" + "a-page-with-quite-a-long-name-" * 8


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as running:
        link = await running.link("A-CODE-OF-" + "X" * 54, destination_url=LONG)
        await record_past(running, link, hourly(running.context.services.clock(), 40))
        await running.track(link["code"], page_url=LONG, referrer_url=LONG, headers={"User-Agent": "Mozilla/5.0"})
        await running.track(link["code"], page_url=LONG, headers={"User-Agent": "Googlebot/2.1"})
        yield running


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("screen", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_the_dashboard_has_no_accessibility_violations(
    browser: Browser, gateway: Gateway, screen: Any, colours: Any
) -> None:
    look: dict[str, Any] = {"viewport": screen, "color_scheme": colours, "reduced_motion": "reduce"}
    url = str(gateway.http.base_url.join("/dashboard?range=90d"))
    async with visiting(browser, url, **look) as page:
        await expect(page.get_by_label("Token")).to_be_visible()
        assert await faults(page) == []
        assert await width(page) == screen["width"]
    async with visiting(browser, url, token=await gateway.token(), **look) as page:
        await loaded(page)
        await page.locator("[data-ranking=devices] tbody button").first.click()
        await loaded(page)
        await page.get_by_role("radio", name="Custom").check()
        await page.get_by_text("Show as table").click()
        assert await faults(page) == []
        assert await width(page) == screen["width"]


async def test_every_control_is_reachable_by_keyboard(browser: Browser, gateway: Gateway) -> None:
    for section, presses, wanted in (
        (
            "",
            70,
            ("Skip to content", "Sign out", "Links", "30d", "CSV of figures over time", "Show as table", "Desktop"),
        ),
        ("/links", 30, ("A-CODE-OF", "Copy", "CSV", "Leads")),
        ("/clicks", 20, ("30d", "Older")),
    ):
        url = str(gateway.http.base_url.join(f"/dashboard{section}"))
        async with visiting(browser, url, token=await gateway.token()) as page:
            await loaded(page)
            reached = set()
            for _ in range(presses):
                await page.keyboard.press("Tab")
                reached.add(await page.evaluate("document.activeElement.textContent || document.activeElement.value"))
            assert [start for start in wanted if not any(text.startswith(start) for text in reached)] == []


async def test_nothing_overflows_at_any_width(browser: Browser, gateway: Gateway) -> None:
    # A link without a destination is described by its code, which is a single word.
    await gateway.link("Y" * 64, program={"id": 1}, partner={"id": 1})
    token = await gateway.token()
    for section in SECTIONS:
        url = str(gateway.http.base_url.join(f"/dashboard{section}?range=90d"))
        async with visiting(browser, url, token=token) as page:
            await loaded(page)
            for pixels in BETWEEN:
                await page.set_viewport_size({"width": pixels, "height": 800})
                assert await width(page) == pixels
                for inner in await page.eval_on_selector_all(
                    "table.stacked", "tables => tables.map(t => t.scrollWidth - t.parentElement.clientWidth)"
                ):
                    assert inner <= 0, f"{section} at {pixels}"
