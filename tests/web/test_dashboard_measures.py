"""The choice of what the dashboard's chart shows: clicks, leads, sales, and amounts in each currency."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.click_history import record_past
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.merchants import Merchant, make_merchant
from tests.support.web_pages import faults, loaded, visiting, width

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
BOUGHT = NOON - timedelta(days=3)
SOLD = f"{BOUGHT:%a, %-d %b %Y}"
COUNTS = ["Clicks", "Leads", "Sales"]
# Currencies with two decimals, none and three.
AMOUNTS = {"EUR": 123_450, "JPY": 1000, "KWD": 10_005}


@pytest.fixture
async def merchant(make_sqlite: MakeDatabase) -> AsyncIterator[Merchant]:
    """A merchant whose customer clicked four days ago; a quarter of each sale is the commission."""
    async with running_gateway(make_sqlite()) as gateway:
        merchant = await make_merchant(gateway)
        await merchant.rule()
        await record_past(gateway, await gateway.link_row(), [NOON - timedelta(days=4)])
        yield merchant


async def sell(merchant: Merchant, *currencies: str) -> None:
    (customer,) = await merchant.gateway.customers()
    for currency in currencies:
        sold = {"amount_cents": AMOUNTS[currency], "currency": currency, "occurred_at": BOUGHT.isoformat()}
        assert (await merchant.sale(transaction_id=currency, click_id=customer["click_id"], **sold)).is_success


def address(merchant: Merchant, query: str = "") -> str:
    return str(merchant.gateway.http.base_url.join(f"/dashboard?zone=UTC{query}"))


async def offered(page: Page) -> list[str]:
    return await page.get_by_label("Measure").locator("option").all_inner_texts()


async def description(page: Page) -> str:
    return await page.locator(".plot").get_attribute("aria-label") or ""


async def test_each_currency_of_the_period_can_be_shown(browser: Browser, merchant: Merchant) -> None:
    await sell(merchant, *AMOUNTS)
    async with visiting(browser, address(merchant), token=await merchant.gateway.token()) as page:
        await loaded(page)
        paid = [f"{kind} in {currency}" for kind in ("Revenue", "Commission") for currency in AMOUNTS]
        assert await offered(page) == COUNTS + paid
        for label, words in {
            "Sales": f"Bar chart of sales by day. Peak: {SOLD}, 3.",
            "Revenue in EUR": f"Bar chart of revenue in EUR by day. Peak: {SOLD}, 1234.50 EUR.",
            "Revenue in JPY": f"Bar chart of revenue in JPY by day. Peak: {SOLD}, 1000 JPY.",
            "Commission in KWD": f"Bar chart of commission in KWD by day. Peak: {SOLD}, 2.501 KWD.",
            "Leads": "Bar chart of leads by day. No leads.",
        }.items():
            await page.get_by_label("Measure").select_option(label)
            assert await description(page) == words
        await expect(page.get_by_text("No leads in this period.", exact=True)).to_be_visible()


async def test_the_measure_is_kept_in_the_address(browser: Browser, merchant: Merchant) -> None:
    await sell(merchant, "EUR")
    async with visiting(browser, address(merchant), token=await merchant.gateway.token()) as page:
        await loaded(page)
        await expect(page.locator(".legend .people")).to_be_visible()
        await page.get_by_label("Measure").select_option("Revenue in EUR")
        await expect(page.locator(".legend .people")).to_be_hidden()
        assert page.url.endswith("measure=revenue-eur")
        await page.reload()
        await loaded(page)
        await expect(page.get_by_label("Measure")).to_have_value("revenue-eur")
        assert "revenue in EUR" in await description(page)
        await page.go_back()
        await loaded(page)
        await expect(page.get_by_label("Measure")).to_have_value("clicks")
        await expect(page.locator(".legend .people")).to_be_visible()


@pytest.mark.parametrize(
    ("measure", "shown"),
    [("revenue", "revenue in EUR"), ("revenue-jpy", "revenue in JPY"), ("revenue-", "clicks"), ("bots", "clicks")],
)
async def test_an_address_with_another_measure_still_works(
    browser: Browser, merchant: Merchant, measure: str, shown: str
) -> None:
    await sell(merchant, "EUR")
    url = address(merchant, f"&measure={measure}")
    async with visiting(browser, url, token=await merchant.gateway.token()) as page:
        await loaded(page)
        assert f"Bar chart of {shown} by day." in await description(page)
        if shown.endswith("JPY"):
            await expect(page.get_by_text("No revenue in JPY in this period.")).to_be_visible()


async def test_refunds_of_earlier_sales_are_drawn_below_zero(browser: Browser, merchant: Merchant) -> None:
    await sell(merchant, "EUR")
    assert (await merchant.refund("EUR", refund_amount_cents=23_450)).is_success
    url = address(merchant, "&measure=revenue-eur&range=today&interval=hour")
    async with visiting(browser, url, token=await merchant.gateway.token()) as page:
        await loaded(page)
        words = await description(page)
        assert words.startswith("Bar chart of revenue in EUR by hour. Lowest: ")
        assert words.endswith(", -234.50 EUR.")
        await expect(page.locator(".nothing")).to_be_hidden()


async def test_without_conversions_amounts_have_no_currency(browser: Browser, merchant: Merchant) -> None:
    async with visiting(browser, address(merchant), token=await merchant.gateway.token()) as page:
        await loaded(page)
        assert await offered(page) == [*COUNTS, "Revenue", "Commission"]
        await page.get_by_label("Measure").select_option("Revenue")
        assert page.url.endswith("measure=revenue")
        await expect(page.get_by_text("No revenue in this period.", exact=True)).to_be_visible()
        await page.get_by_role("link", name="Conversions").click()
        for name in ("Sales", "Refunds", "Leads", "Commissions"):
            await page.get_by_role("radio", name=name, exact=True).check()
            await expect(page.get_by_text(f"No {name.lower()} in this period.", exact=True).last).to_be_visible()


async def test_the_measure_is_chosen_by_keyboard_and_survives_new_clicks(browser: Browser, merchant: Merchant) -> None:
    await sell(merchant, "EUR")
    async with visiting(browser, address(merchant), token=await merchant.gateway.token()) as page:
        await loaded(page)
        await page.get_by_label("Measure").focus()
        await page.keyboard.type("Sales")
        await expect(page.locator(".plot")).to_have_attribute("aria-label", re.compile("^Bar chart of sales"))
        clicks = int(await page.inner_text("[data-figure=clicks] .figure"))
        await merchant.gateway.track()
        await expect(page.locator("[data-figure=clicks] .figure")).to_have_text(str(clicks + 1))
        await expect(page.get_by_label("Measure")).to_be_focused()
        assert "Bar chart of sales" in await description(page)


async def test_pointing_at_a_bar_tells_its_amount(browser: Browser, merchant: Merchant) -> None:
    await sell(merchant, "EUR")
    url = address(merchant, "&measure=commission-eur&range=7d")
    async with visiting(browser, url, token=await merchant.gateway.token()) as page:
        await loaded(page)
        plot = page.locator(".plot .u-over")
        await plot.scroll_into_view_if_needed()
        box = await plot.bounding_box()
        assert box is not None
        # The fourth of seven bars.
        await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(page.locator(".tip")).to_have_text(
            f"{SOLD}Commission in EUR: 308.63 EUR0 EUR in the period before"
        )


async def test_what_has_not_ended_yet_is_told_apart(browser: Browser, merchant: Merchant) -> None:
    await merchant.gateway.track()
    async with visiting(browser, address(merchant, "&range=12m"), token=await merchant.gateway.token()) as page:
        await loaded(page)
        plot, over = page.locator(".plot"), page.locator(".plot .u-over")
        await over.scroll_into_view_if_needed()
        drawn, box = await plot.bounding_box(), await over.bounding_box()
        assert drawn is not None
        assert box is not None
        # There is room for the last label, whose middle is that of the last bar.
        bar = box["width"] / await page.locator("details tbody tr").count()
        assert drawn["x"] + drawn["width"] - (box["x"] + box["width"] - bar / 2) >= 25
        await page.mouse.move(box["x"] + box["width"] - bar / 2, box["y"] + box["height"] / 2)
        await expect(page.locator(".tip strong")).to_have_text(re.compile("^Week of .*, so far$"))
        await expect(page.locator(".tip small")).to_have_text("0 in the period before")
        await expect(page.get_by_text("Period before", exact=True)).to_be_visible()
        names = await page.locator("details tbody th").all_text_contents()
        assert [name.endswith(", so far") for name in names] == [False] * (len(names) - 1) + [True]


async def test_whoever_points_at_a_bar_sees_its_clicks_arrive(browser: Browser, merchant: Merchant) -> None:
    await merchant.gateway.track()
    async with visiting(browser, address(merchant), token=await merchant.gateway.token()) as page:
        await loaded(page)
        chart = page.locator(".plot .u-over")
        await chart.scroll_into_view_if_needed()
        await expect(page.locator(".plot .u-over")).to_have_count(1)
        drawn = await chart.element_handle()
        assert drawn is not None
        box = await drawn.bounding_box()
        assert box is not None
        bar = box["width"] / await page.locator("details tbody tr").count()
        await page.mouse.move(box["x"] + box["width"] - bar / 2, box["y"] + box["height"] / 2)
        await expect(page.locator(".tip .bots")).to_have_text("1 by bots")
        await merchant.gateway.track()
        await expect(page.locator(".tip .bots")).to_have_text("2 by bots")
        # A narrower window resizes the chart that is there.
        await page.set_viewport_size({"width": 700, "height": 800})
        await expect(page.locator(".plot canvas")).not_to_have_css("width", f"{box['width']}px")
        assert await drawn.is_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("pixels", [360, 1440])
async def test_the_choice_is_accessible(browser: Browser, merchant: Merchant, pixels: int, colours: str) -> None:
    await sell(merchant, *AMOUNTS)
    look = {"viewport": {"width": pixels, "height": 800}, "color_scheme": colours}
    url = address(merchant, "&measure=commission-kwd")
    async with visiting(browser, url, token=await merchant.gateway.token(), **look) as page:
        await loaded(page)
        assert await faults(page) == []
        assert await width(page) == pixels
