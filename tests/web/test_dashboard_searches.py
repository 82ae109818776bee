"""Looking for one customer or one order on the dashboard, by what the merchant calls them."""

import pytest
from playwright.async_api import expect

from tests.support.consoles import Console
from tests.support.web_pages import faults, loaded, width


async def test_a_customer_is_found_by_the_key_whatever_the_period(console: Console) -> None:
    # Nobody came in 2020.
    async with console.visit("/customers?range=custom&from=2020-01-01&to=2020-01-31") as page:
        await loaded(page)
        await expect(page.get_by_text("Nobody came in this period.")).to_be_visible()
        await page.get_by_label("Search").fill("user_1")
        await expect(page.get_by_text("1 with this key", exact=True)).to_be_visible()
        await expect(page.locator(".customers tbody th")).to_have_text("user_1")
        assert "search=user_1" in page.url
        await page.reload()
        await expect(page.locator(".customers tbody th")).to_have_text("user_1")
        await page.get_by_role("radio", name="Visitors only").press("Space")
        await expect(page.get_by_text("No customer with this key matches.")).to_be_visible()
        await page.get_by_label("Search").fill("user_")
        await page.get_by_role("radio", name="Everyone").press("Space")
        await expect(page.get_by_text("No customer has this key.")).to_be_visible()


async def test_an_order_is_found_whatever_the_period(console: Console) -> None:
    async with console.visit("/conversions?range=custom&from=2020-01-01&to=2020-01-31") as page:
        await loaded(page)
        await expect(page.get_by_text("No sales in this period.")).to_be_visible()
        await page.get_by_label("Search").fill("order-3")
        await expect(page.locator(".conversions tbody tr")).to_have_count(1)
        await expect(page.locator(".conversions tbody tr")).to_contain_text("order-3")
        await page.get_by_label("Search").fill("order-")
        await expect(page.get_by_text("No sale has this order.")).to_be_visible()
        # Other lists cannot be searched, and are not.
        await page.get_by_role("radio", name="Refunds").press("Space")
        await expect(page.get_by_text("No refunds in this period.")).to_be_visible()
        await expect(page.get_by_label("Search")).to_be_hidden()
        assert "search" not in page.url


@pytest.mark.parametrize("pixels", [390, 820, 1440])
@pytest.mark.parametrize("section", ["customers", "conversions"])
async def test_the_search_has_its_place_on_every_screen(console: Console, section: str, pixels: int) -> None:
    async with console.visit(f"/{section}", viewport={"width": pixels, "height": 900}) as page:
        await loaded(page)
        await expect(page.get_by_label("Search")).to_be_visible()
        assert await width(page) == pixels
        assert await faults(page) == []
