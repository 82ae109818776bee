"""The dashboard's amounts of money: several currencies, more refunds than sales, and periods without clicks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page

from tests.support.click_history import record_past
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.merchants import Merchant, make_merchant
from tests.support.web_pages import figure, loaded, visiting

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
CLICKED, BOUGHT = NOON - timedelta(days=40), NOON - timedelta(days=35)
# Currencies with two decimals, none and three.
SALES = {"EUR": 10_000, "JPY": 1000, "KWD": 10_005}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


@pytest.fixture
async def merchant(make_sqlite: MakeDatabase) -> AsyncIterator[Merchant]:
    """A merchant whose customer clicked and bought more than 30 days ago, and has returned something now; three others
    have clicked today. A quarter of each sale is the commission."""
    async with running_gateway(make_sqlite()) as gateway:
        merchant = await make_merchant(gateway)
        await merchant.rule()
        await record_past(gateway, await gateway.link_row(), [CLICKED])
        (customer,) = await gateway.customers()
        for currency, amount in SALES.items():
            sold = {"amount_cents": amount, "currency": currency, "occurred_at": BOUGHT.isoformat()}
            sale = await merchant.sale(transaction_id=currency, click_id=customer["click_id"], **sold)
            assert sale.status_code == 200
        for _ in range(3):
            await gateway.track(user_agent=AGENT)
        for currency, amount in {"EUR": 10_000, "JPY": 500}.items():
            assert (await merchant.refund(currency, refund_amount_cents=amount)).status_code == 200
        yield merchant


async def lines(page: Page, name: str) -> list[str]:
    """Return the lines of one of the dashboard's totals."""
    return await page.locator(f"[data-figure={name}] .figure span").all_inner_texts()


async def test_refunds_of_earlier_sales_are_negative_amounts(browser: Browser, merchant: Merchant) -> None:
    url, token = str(merchant.gateway.http.base_url.join("/dashboard")), await merchant.gateway.token()
    async with visiting(browser, url, token=token) as page:
        await loaded(page)
        assert [await figure(page, name) for name in ("people", "sales")] == [3, 0]
        assert await lines(page, "conversion-rate") == ["0%"]
        assert await lines(page, "revenue") == ["-100.00 EUR", "-500 JPY"]
        assert await lines(page, "earnings") == ["-25.00 EUR", "-125 JPY"]
        assert await lines(page, "earnings-per-click") == ["-8.3333 EUR", "-41.67 JPY"]


async def test_a_period_without_clicks_has_amounts_but_none_for_each_click(
    browser: Browser, merchant: Merchant
) -> None:
    query = f"?range=custom&from={BOUGHT:%Y-%m-%d}&to={BOUGHT:%Y-%m-%d}"
    url, token = str(merchant.gateway.http.base_url.join(f"/dashboard{query}")), await merchant.gateway.token()
    async with visiting(browser, url, token=token) as page:
        await loaded(page)
        assert [await figure(page, name) for name in ("people", "sales")] == [0, 3]
        assert await lines(page, "conversion-rate") == ["\N{EN DASH}"]
        assert await lines(page, "revenue") == ["100.00 EUR", "1000 JPY", "10.005 KWD"]
        assert await lines(page, "earnings") == ["25.00 EUR", "250 JPY", "2.501 KWD"]
        assert await lines(page, "earnings-per-click") == ["\N{EN DASH}"]
