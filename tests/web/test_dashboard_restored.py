"""A page of the dashboard that the browser kept, and shows again when the user goes back to it: it asks again who is
signed in, and shows the present figures."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import BROWSERS, running_browser
from tests.support.consoles import Console, running_office
from tests.support.databases import MakeDatabase
from tests.support.web_pages import loaded, sign_in

SESSION = "/api/v1/session"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser that keeps pages, which Playwright otherwise tells it not to do."""
    async with running_browser(without=["--disable-back-forward-cache"], programs=BROWSERS) as running:
        yield running


@pytest.fixture
async def office(make_sqlite: MakeDatabase, browser: Browser) -> AsyncIterator[Console]:
    async with running_office(make_sqlite(), browser) as running:
        yield running


async def leave(page: Page) -> None:
    """Go to a page that is not the dashboard."""
    await page.evaluate("window.isKept = true")
    await page.goto(page.url.partition("/dashboard")[0] + "/healthz")


async def come_back(page: Page) -> None:
    """Go back to the page, which must be the one that was left, and must ask for the session."""
    async with page.expect_request(lambda request: request.url.endswith(SESSION)):
        # Playwright's own way back waits for the page to load, which it does not.
        await page.evaluate("history.back()")
    assert await page.evaluate("window.isKept") is True


async def test_a_restored_page_shows_the_present_figures(office: Console) -> None:
    async with office.visit("?range=7d&zone=UTC") as page:
        await loaded(page)
        clicks = page.locator("[data-figure=clicks] .figure")
        await expect(clicks).to_have_text("0")
        await leave(page)
        await office.gateway.track()
        await come_back(page)
        await expect(clicks).to_have_text("1")
        await loaded(page)


async def test_a_restored_page_shows_nothing_to_who_has_signed_out(office: Console) -> None:
    async with office.visit() as page:
        await loaded(page)
        await leave(page)
        origin = page.url.removesuffix("/healthz")
        ended = await page.context.request.delete(origin + SESSION, headers={"Origin": origin})
        assert ended.ok
        await come_back(page)
        await expect(page.get_by_label("Token")).to_be_visible()
        await expect(page.locator(".board")).to_have_count(0)


async def test_a_restored_sign_in_form_gives_way_to_who_has_signed_in(office: Console) -> None:
    async with office.visit() as page:
        await loaded(page)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Token")).to_be_visible()
        await leave(page)
        await sign_in(page.context, office.address(), office.tokens["partner"])
        await come_back(page)
        await expect(page.get_by_role("banner")).to_contain_text("A partner")
