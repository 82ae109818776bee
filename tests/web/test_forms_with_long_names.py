"""Forms of partners and links with names as long as can be, in Arabic and Chinese, on the narrowest screens."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.support.consoles import ARABIC, LONG, Console
from tests.support.web_pages import faults, loaded, width

PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark", "reduced_motion": "reduce"}


@pytest.mark.parametrize("name", [LONG.strip(), ARABIC])
@pytest.mark.parametrize("action", ["Edit", "Suspend"])
async def test_forms_of_partners_have_room_for_any_name(console: Console, name: str, action: str) -> None:
    async with console.visit("/partners?search=" + name[:20], **PHONE) as page:
        await loaded(page)
        await page.get_by_role("button", name=f"Actions for {name[:20]}").click()
        await page.get_by_role("menuitem", name=action).click()
        dialog = page.get_by_role("dialog", name=f"{action} {name}")
        await expect(dialog).to_be_visible()
        assert await dialog.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") <= 0
        assert await width(page) == 320
        assert await faults(page) == []


@pytest.mark.parametrize(("section", "button"), [("links", "New link"), ("rules", "New rule")])
async def test_forms_have_room_for_a_choice_of_long_names(console: Console, section: str, button: str) -> None:
    async with console.visit(f"/{section}", **PHONE) as page:
        await loaded(page)
        await page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog", name=button)
        await dialog.get_by_label("Partner", exact=True).select_option(LONG.strip())
        assert await dialog.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") <= 0
        assert await width(page) == 320
        assert await faults(page) == []


async def test_signing_out_takes_an_open_form_with_it(console: Console) -> None:
    async with console.visit("/links") as page:
        await loaded(page)
        await page.get_by_role("button", name="New link").click()
        await page.get_by_label("Code").fill("SECRET")
        await page.get_by_text("Sign out").evaluate("button => button.click()")
        await expect(page.get_by_label("Token")).to_be_focused()
        await expect(page.get_by_role("dialog")).to_have_count(0)
