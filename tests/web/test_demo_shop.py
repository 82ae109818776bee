"""The demo's shop in a browser: a visitor of a partner signs up, buys and returns what was bought."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.merchants import Merchant, make_merchant
from tests.support.web_pages import faults, figure, loaded, visiting, width

SHOP = "/demo/shop"
SCREENS = {"phone": (360, 740), "tablet": (820, 1180), "desktop": (1440, 900)}
CONVERSIONS = """{
  leads { nodes { eventName referralLink { code } customer { customerKey emailMask } } }
  sales { nodes { databaseId transactionId amount { formatted } referralLink { code } commission { databaseId } } }
  refunds { nodes { amount { formatted } clawback { formatted } sale { databaseId } } }
}"""


@pytest.fixture
async def demo(make_sqlite: MakeDatabase) -> AsyncIterator[Merchant]:
    async with running_gateway(make_sqlite(), app="gateway.demo.shop:create_app") as gateway:
        merchant = await make_merchant(gateway)
        await merchant.rule(basis_points=2000)
        yield merchant


def address(demo: Merchant, path: str = "") -> str:
    return str(demo.gateway.http.base_url.join(SHOP + path))


async def answer(page: Page) -> dict[str, Any]:
    """Wait for the gateway's answer; return its body."""
    shown = page.locator("#answer")
    await expect(shown).to_contain_text("{")
    body: dict[str, Any] = json.loads("{" + (await shown.inner_text()).partition("{")[2])
    return body


async def sign_up(page: Page, customer_key: str, email: str = "") -> None:
    await page.get_by_label("Shop").get_by_role("link", name="Pricing").click()
    await page.get_by_role("link", name="Sign up to buy").click()
    await page.get_by_label("Customer key").fill(customer_key)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_role("button", name="Sign up").click()


async def test_a_visitor_signs_up_buys_and_returns_it(browser: Browser, demo: Merchant) -> None:
    async with visiting(browser, address(demo, "?aff=PARTNER123")) as page:
        await expect(page.locator("#state")).to_contain_text("sent a click")
        click_id = await page.inner_text("#click-id")
        await sign_up(page, "ada & co", "ada@example.com")
        assert await answer(page) == {"success": True, "message": "Lead tracked successfully"}
        assert await page.inner_text("#click-id") == click_id
        await expect(page.locator("#sent")).to_contain_text("POST /api/v1/track/lead")
        sent = json.loads((await page.inner_text("#sent")).partition("\n")[2])
        assert (sent["click_id"], sent["customer_key"], sent["email"]) == (click_id, "ada & co", "ada@example.com")
        await expect(page.locator("#state")).to_contain_text("still attributed")
        await page.get_by_role("link", name="Continue to checkout").click()
        await expect(page.get_by_label("Customer key")).to_have_value("ada & co")
        await page.get_by_label("Studio").check()
        await page.get_by_role("button", name="Buy").click()
        sale = await answer(page)
        assert sale["success"] is True
        await expect(page.locator("#outcome")).to_contain_text(f"commission {sale['commission_id']}")
        await page.get_by_role("button", name="Refund this order").click()
        await expect(page.locator("h1")).to_have_text("Your order is refunded")
        refund = await answer(page)
        assert (refund["status"], refund["deductionAmount"]) == ("reversed", 5.8)
        await page.get_by_role("main").get_by_role("link", name="dashboard").click()
        await expect(page.get_by_label("Token")).to_be_visible()
    told = await demo.gateway.graphql(CONVERSIONS, token=await demo.gateway.token())
    (lead,), (sold,), (returned,) = (told["data"][name]["nodes"] for name in ("leads", "sales", "refunds"))
    assert lead["referralLink"] == sold["referralLink"] == {"code": "PARTNER123"}
    assert lead["customer"] == {"customerKey": "ada & co", "emailMask": "a***@example.com"}
    assert sold["databaseId"] == returned["sale"]["databaseId"] == sale["sale_id"]
    assert sold["amount"] == returned["amount"] == {"formatted": "29.00 EUR"}
    assert (sold["commission"]["databaseId"], returned["clawback"]["formatted"]) == (sale["commission_id"], "5.80 EUR")


async def test_the_dashboard_counts_what_was_bought(browser: Browser, demo: Merchant) -> None:
    async with visiting(browser, address(demo, "?aff=PARTNER123")) as page:
        await sign_up(page, "ada_1")
        await answer(page)
        await page.get_by_role("link", name="Continue to checkout").click()
        await page.get_by_role("button", name="Buy").click()
        await answer(page)
    token, dashboard = await demo.gateway.token(), str(demo.gateway.http.base_url.join("/dashboard"))
    async with visiting(browser, dashboard, token=token) as page:
        await loaded(page)
        assert [await figure(page, name) for name in ("clicks", "leads", "sales")] == [1, 1, 1]
        assert await page.inner_text("[data-figure=revenue] .figure") == "19.00 EUR"
        assert await page.inner_text("[data-figure=earnings] .figure") == "3.80 EUR"


async def test_a_visitor_without_a_partner_learns_that_nothing_was_sent(browser: Browser, demo: Merchant) -> None:
    async with visiting(browser, address(demo)) as page:
        await sign_up(page, "ada_1")
        assert await answer(page) == {"success": False, "message": "No click id"}
        assert await page.inner_text("#sent") == "Nothing"
        await page.get_by_role("link", name="Continue to checkout").click()
        await page.get_by_role("button", name="Buy").click()
        await expect(page.locator("#outcome")).to_contain_text("does not know this customer")
        await expect(page.get_by_role("button", name="Refund this order")).to_be_hidden()
        await page.get_by_role("link", name="order something else").click()
        await expect(page.get_by_label("Customer key")).to_have_value("ada_1")


async def test_a_sign_up_needs_a_customer_key(browser: Browser, demo: Merchant) -> None:
    async with visiting(browser, address(demo)) as page:
        await sign_up(page, "  ")
        await expect(page.locator("#exchange")).to_be_hidden()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_the_shop_fits_the_screen_and_is_accessible(
    browser: Browser, demo: Merchant, screen: str, colours: Any
) -> None:
    wide, high = SCREENS[screen]
    look: dict[str, Any] = {"viewport": {"width": wide, "height": high}, "color_scheme": colours}

    async def check(page: Page) -> None:
        await page.wait_for_load_state()
        assert await width(page) == wide
        assert await faults(page) == []

    async with visiting(browser, address(demo, "?aff=PARTNER123"), **look) as page:
        await sign_up(page, "k" * 200, f"{'e' * 60}@example.com")
        await answer(page)
        await check(page)
        await page.get_by_role("link", name="Continue to checkout").click()
        await page.wait_for_url("**/checkout*")
        await check(page)
        await page.get_by_label("Customer key").fill(" ")
        await page.get_by_role("button", name="Buy").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await check(page)
        await page.get_by_label("Customer key").fill("k" * 200)
        await page.get_by_role("button", name="Buy").click()
        await expect(page.get_by_role("button", name="Refund this order")).to_be_visible()
        await check(page)
        await page.get_by_role("button", name="Refund this order").click()
        await page.wait_for_url("**/refund*")
        await check(page)
