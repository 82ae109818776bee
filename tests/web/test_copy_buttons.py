"""What a copy button says after a press stays while lists are brought up to date."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.consoles import Console
from tests.support.web_pages import loaded

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
LOOK: dict[str, Any] = {"permissions": ["clipboard-read", "clipboard-write"]}
# A button says so for two seconds, in which a busy machine may not get as far as the refresh.
KEEPS_SAYING_SO = """() => {
  const set = setTimeout;
  window.setTimeout = (run, ms, ...more) => (ms === 2000 ? 0 : set(run, ms, ...more));
}"""


async def copied(page: Page) -> None:
    await page.evaluate(KEEPS_SAYING_SO)
    await page.get_by_role("button", name="Copy the URL of PARTNER123").click()
    await expect(page.get_by_role("button", name="Copied the URL of PARTNER123")).to_be_visible()


async def test_a_partners_own_link_stays_copied_when_a_click_arrives(office: Console) -> None:
    async with office.visit("?zone=UTC", "partner", **LOOK) as page:
        await loaded(page)
        await copied(page)
        await office.gateway.track(user_agent=BROWSER)
        today = page.get_by_role("region", name="Today").locator("[data-figure=own-people] .figure")
        await expect(today).to_have_text("1")
        await expect(page.get_by_role("button", name="Copied the URL of PARTNER123")).to_be_visible()


@pytest.mark.parametrize("code", ["PARTNER123", "OTHER"])
async def test_a_listed_link_stays_copied_while_it_is_the_same(office: Console, code: str) -> None:
    await office.gateway.link("OTHER", program={"id": office.merchant.program_id}, partner={"id": 2})
    async with office.visit("/links?search=PARTNER123", **LOOK) as page:
        await loaded(page)
        await copied(page)
        async with page.expect_response(lambda answer: "query Links(" in (answer.request.post_data or "")) as read:
            await office.gateway.track(code)
        await (await read.value).finished()
        if code == "PARTNER123":
            await expect(page.locator(".links tbody [data-label=Clicks]")).to_have_text("1")
        await expect(page.get_by_role("button", name="Copied the URL of PARTNER123")).to_be_visible(
            visible=code != "PARTNER123"
        )
