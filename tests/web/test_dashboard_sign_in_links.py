"""Sign-in links in a browser: how an owner makes one, and what opening it does."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from db.lookups.tokens import NewToken
from graph.domain import sign_in_links
from graph.domain.sign_in_links import NewSignInLink
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.web_pages import faults, loaded, visiting


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as running:
        await running.link()
        yield running


@pytest.fixture
def dashboard(gateway: Gateway) -> str:
    return str(gateway.http.base_url.join("/dashboard"))


def link_of(gateway: Gateway, **fields: Any) -> Awaitable[NewSignInLink]:
    return sign_in_links.create(gateway.context, NewToken("partner", partner_id=1, **fields))


async def test_a_sign_in_link_signs_in_by_a_press_and_once(browser: Browser, gateway: Gateway, dashboard: str) -> None:
    secret = (await link_of(gateway)).url.partition("#")[2]
    for _ in range(2):
        # Opening it, as programs do that look at the links in mails, does not use it up.
        async with visiting(browser, f"{dashboard}#{secret}") as page:
            await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
            assert page.url == dashboard
            assert await faults(page) == []
    async with visiting(browser, f"{dashboard}/links#{secret}") as page:
        await expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("banner")).to_contain_text("A partner")
        await page.reload()
        await expect(page.get_by_role("banner")).to_contain_text("A partner")
    async with visiting(browser, f"{dashboard}#{secret}") as page:
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("alert")).to_contain_text("has been used already")
        await expect(page.get_by_role("alert")).to_contain_text("Ask whoever sent it for a new one")
        await page.get_by_role("button", name="Sign in with a token").click()
        await expect(page.get_by_label("Token")).to_be_focused()


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_sign_in_link_asks_whoever_is_signed_in(
    browser: Browser, gateway: Gateway, dashboard: str, accepts: bool
) -> None:
    secret = (await link_of(gateway)).url.partition("#")[2]
    async with visiting(browser, dashboard, token=await gateway.token()) as page:
        await loaded(page)
        await page.goto(f"{dashboard}#{secret}")
        await expect(page.get_by_text("You are already signed in")).to_be_visible()
        await page.get_by_role("button", name="Sign in with the link" if accepts else "Stay signed in").click()
        await expect(page.get_by_role("banner")).to_contain_text("A partner" if accepts else "All programs")


@pytest.mark.parametrize("pixels", [390, 820, 1440])
async def test_an_owner_invites_a_partner(browser: Browser, gateway: Gateway, dashboard: str, pixels: int) -> None:
    await gateway.partner({"id": 1}, name="Blog")
    look: dict[str, Any] = {
        "viewport": {"width": pixels, "height": 900},
        "permissions": ["clipboard-read", "clipboard-write"],
    }
    owner = await gateway.token("program", program_id=1)
    async with visiting(browser, f"{dashboard}/partners", token=owner, **look) as page:
        await loaded(page)
        button = page.get_by_role("button", name="Actions for Blog")
        await button.focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Invite").press("Enter")
        dialog = page.get_by_role("dialog", name="Invite Blog")
        url = await dialog.locator(".url").inner_text()
        assert url.startswith(f"{dashboard}#sign-in=")
        assert await faults(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == pixels
        await dialog.get_by_role("button", name="Copy").click()
        await expect(dialog.get_by_text("Copied")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == url
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(button).to_be_focused()
    async with visiting(browser, url) as page:
        await page.get_by_role("button", name="Sign in", exact=True).click()
        await expect(page.get_by_role("banner")).to_contain_text("Blog")
        await expect(page.get_by_role("banner")).to_contain_text("Partner of A program")
