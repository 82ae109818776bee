"""The dashboard's other states: signing in and out, a revoked token, no clicks yet, an outage."""

import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import func, update

from db.schema.tokens import ApiToken
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.processes import free_port, serving, stop
from tests.support.visibility_world import DESKTOP
from tests.support.web_pages import figure, loaded, visiting

TOKEN = "a-token-from-the-settings"


@pytest.fixture
async def gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    async with running_gateway(make_sqlite()) as running:
        yield running


@pytest.fixture
def dashboard(gateway: Gateway) -> str:
    return str(gateway.http.base_url.join("/dashboard"))


async def test_signing_in_and_out_works_by_keyboard(browser: Browser, gateway: Gateway, dashboard: str) -> None:
    await gateway.link()
    token = await gateway.token("partner", partner_id=1)
    async with visiting(browser, dashboard) as page:
        await expect(page.get_by_label("Token")).to_be_focused()
        await page.keyboard.type(token)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1, name="Overview")).to_be_focused()
        await expect(page.get_by_role("banner")).to_contain_text("A partner")
        assert await page.evaluate("[location.href, document.cookie, localStorage.length]") == [
            f"{dashboard}?zone=Europe%2FBerlin",
            "",
            0,
        ]
        await page.get_by_role("button", name="Sign out").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Token")).to_be_focused()
        assert await page.evaluate("sessionStorage.length") == 0
        await page.reload()
        await expect(page.get_by_label("Token")).to_be_visible()


async def test_no_state_survives_signing_out(browser: Browser, gateway: Gateway, dashboard: str) -> None:
    await gateway.link()
    await gateway.track(user_agent=DESKTOP)
    token = await gateway.token("partner", partner_id=1)
    shown_by_all = f"{dashboard}?zone=Europe%2FBerlin"

    async def sign_in(page: Page) -> None:
        await page.get_by_label("Token").fill(await gateway.token())
        await page.get_by_role("button", name="Sign in").click()
        await loaded(page)

    async with visiting(browser, f"{dashboard}?range=7d&who=people&zone=Asia/Tokyo", token=token) as page:
        await loaded(page)
        await page.get_by_label("90 days").check()
        await page.get_by_role("button", name="Desktop").click()
        await expect(page.get_by_role("button", name="Device is Desktop", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Token")).to_be_focused()
        assert page.url == dashboard
        await sign_in(page)
        assert page.url == shown_by_all
        await expect(page.locator(".chip")).to_have_count(0)
        await expect(page.get_by_label("Visitors")).to_have_value("all")
        # Going back does not restore it, either.
        await page.go_back()
        await expect(page.get_by_label("Visitors")).to_have_value("all")
        assert page.url == shown_by_all
        await page.get_by_role("button", name="Sign out").click()
        await page.go_back()
        await expect(page).to_have_url(dashboard)
        await page.reload()
        await sign_in(page)
        assert page.url == shown_by_all


async def test_a_shared_address_opens_after_signing_in(browser: Browser, gateway: Gateway, dashboard: str) -> None:
    token = await gateway.token()
    address = f"{dashboard}?range=7d&zone=Asia%2FTokyo"
    async with visiting(browser, address) as page:
        await page.get_by_label("Token").fill("cg_nobody")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("not accepted")
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await loaded(page)
        assert page.url == address
        await expect(page.get_by_label("7 days")).to_be_checked()


async def test_a_token_in_the_fragment_signs_in_and_is_removed_from_the_address(
    browser: Browser, gateway: Gateway, dashboard: str
) -> None:
    await gateway.link()
    token = await gateway.token("program", program_id=1)
    async with visiting(browser, f"{dashboard}?range=7d#token={token}") as page:
        await expect(page.get_by_role("banner")).to_contain_text("A program")
        assert page.url == f"{dashboard}?range=7d&zone=Europe%2FBerlin"
        await page.reload()
        await expect(page.get_by_role("banner")).to_contain_text("A program")


@pytest.mark.parametrize("token", ["cg_nobody", "not a token", "nö"])
async def test_an_invalid_token_is_reported(browser: Browser, dashboard: str, token: str) -> None:
    async with visiting(browser, dashboard) as page:
        await page.get_by_label("Token").fill(token)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("not")
        await expect(page.get_by_label("Token")).to_be_focused()
        assert await page.evaluate("sessionStorage.length") == 0


async def test_a_revoked_token_leads_back_to_the_sign_in_page(
    browser: Browser, gateway: Gateway, dashboard: str
) -> None:
    await gateway.link()
    async with visiting(browser, dashboard, token=await gateway.token()) as page:
        await expect(page.locator(".live")).to_have_text("Live")
        await gateway.execute(update(ApiToken).values(revoked_at=func.current_timestamp()))
        await expect(page.get_by_role("alert")).to_contain_text("no longer signed in")
        await expect(page.get_by_label("Token")).to_be_visible()


async def test_without_clicks_the_dashboard_shows_a_link_to_share(
    browser: Browser, gateway: Gateway, dashboard: str
) -> None:
    await gateway.link(destination_url="https://yoursite.com/")
    token = await gateway.token("partner", partner_id=1)
    async with visiting(browser, dashboard, token=token) as page:
        await loaded(page)
        await expect(page.get_by_text("https://yoursite.com/?aff=PARTNER123")).to_be_visible()
        assert await figure(page, "clicks") == 0
        chart = "Bar chart of clicks by day. No clicks."
        await expect(page.get_by_role("img", name=chart)).to_be_attached()


async def test_an_outage_is_reported_and_recovers_automatically(browser: Browser, make_sqlite: MakeDatabase) -> None:
    database_url, port = make_sqlite(), free_port()
    await make_link(database_url)
    url = f"http://127.0.0.1:{port}/dashboard"
    async with (
        serving(database_url, port=port, admin_token=TOKEN) as (first, _),
        visiting(browser, url, token=TOKEN) as page,
    ):
        await expect(page.locator(".live")).to_have_text("Live")
        await stop(first)
        await expect(page.locator(".live")).to_have_text("Reconnecting")
        await page.get_by_label("7 days").check()
        await expect(page.get_by_role("alert")).to_contain_text("cannot be reached")
        await expect(page.get_by_role("button", name="Try again")).to_be_visible()
        async with serving(database_url, port=port, admin_token=TOKEN):
            await expect(page.get_by_role("alert")).to_be_hidden(timeout=30_000)
            await expect(page.locator(".live")).to_have_text("Live", timeout=30_000)


async def test_the_browser_stays_signed_in_and_keeps_no_token(
    browser: Browser, gateway: Gateway, dashboard: str
) -> None:
    token = await gateway.token()
    async with visiting(browser, f"{dashboard}#token={token}") as page:
        await loaded(page)
        kept = "JSON.stringify([document.cookie, {...sessionStorage}, {...localStorage}, history.state, location.href])"
        assert token not in await page.evaluate(kept)
        (cookie,) = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
        assert cookie["expires"] > time.time() + timedelta(days=300).total_seconds()
        other = await page.context.new_page()
        await page.close()
        await other.goto(dashboard)
        await expect(other.get_by_role("banner")).to_contain_text("Administrator")


async def test_a_link_opens_in_a_new_tab(browser: Browser, gateway: Gateway, dashboard: str) -> None:
    async with visiting(browser, dashboard, token=await gateway.token()) as page:
        await loaded(page)
        async with page.context.expect_page() as opening:
            await page.get_by_role("link", name="Partners").click(modifiers=["Control"])
        other = await opening.value
        await expect(other.get_by_role("heading", level=1, name="Partners")).to_be_visible()
        await expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()


async def test_signing_out_or_in_takes_all_tabs_along(browser: Browser, gateway: Gateway, dashboard: str) -> None:
    await gateway.link()
    async with visiting(browser, f"{dashboard}?range=7d", token=await gateway.token()) as page:
        await loaded(page)
        other = await page.context.new_page()
        await other.goto(f"{dashboard}?range=90d")
        await loaded(other)
        await page.get_by_role("button", name="Sign out").click()
        await expect(other.get_by_role("alert")).to_contain_text("You are no longer signed in")
        assert other.url == dashboard
        await page.get_by_label("Token").fill(await gateway.token("partner", partner_id=1))
        await page.get_by_role("button", name="Sign in").click()
        await expect(other.get_by_role("banner")).to_contain_text("A partner")


@pytest.mark.parametrize("accepts", [True, False])
async def test_a_link_signs_nobody_else_in_without_a_press(
    browser: Browser, gateway: Gateway, dashboard: str, accepts: bool
) -> None:
    await gateway.link()
    token = await gateway.token("partner", partner_id=1)
    async with visiting(browser, f"{dashboard}?range=7d", token=await gateway.token()) as page:
        await loaded(page)
        await page.goto(f"{dashboard}?range=90d#token={token}")
        await expect(page.get_by_role("heading", name="Sign in with this link?")).to_be_visible()
        assert token not in page.url
        await page.get_by_role("button", name="Sign in with the link" if accepts else "Stay signed in").click()
        await expect(page.get_by_role("banner")).to_contain_text("A partner" if accepts else "All programs")
        await expect(page.get_by_label("90 days")).to_be_checked()


async def test_who_cannot_be_signed_out_is_told_so(browser: Browser, make_sqlite: MakeDatabase) -> None:
    database_url, port = make_sqlite(), free_port()
    async with (
        serving(database_url, port=port, admin_token=TOKEN) as (first, _),
        visiting(browser, f"http://127.0.0.1:{port}/dashboard", token=TOKEN) as page,
    ):
        await expect(page.locator(".live")).to_have_text("Live")
        await stop(first)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("alert")).to_contain_text("you are still signed in")
        async with serving(database_url, port=port, admin_token=TOKEN):
            await page.get_by_role("button", name="Sign out").click()
            await expect(page.get_by_label("Token")).to_be_focused()
            await page.reload()
            await expect(page.get_by_label("Token")).to_be_visible()
