"""Commissions are approved and rejected in bulk on the dashboard."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from graph.domain import commissions
from tests.support.commission_site import Site, running_site
from tests.support.databases import MakeDatabase
from tests.support.web_pages import faults, loaded, visiting, width


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_site(make_sqlite()) as running:
        yield running


async def statuses(site: Site) -> dict[str, int]:
    found = [row["status"] for row in await site.merchant.commissions()]
    return {status: found.count(status) for status in set(found)}


def listed(site: Site) -> str:
    return f"{site.conversions}?list=commissions"


async def pick(page: Page, *orders: str) -> None:
    for order in orders:
        await page.locator(".conversions tbody tr").filter(has_text=order).get_by_role("checkbox").check()


async def test_all_on_the_page_are_approved_at_once(browser: Browser, site: Site) -> None:
    async with visiting(browser, listed(site), token=await site.gateway.token()) as page:
        await loaded(page)
        # Settled commissions have no box: one is paid, one rejected, one reversed.
        await expect(page.locator("tbody").get_by_role("checkbox")).to_have_count(4)
        await expect(page.get_by_role("button", name="Approve")).to_be_disabled()
        await page.get_by_label("All on this page").check()
        await expect(page.get_by_text("4 selected: 0.50 EUR, 72.50 USD")).to_be_visible()
        assert await faults(page) == []
        # One is approved already, as its hold is over.
        await page.get_by_role("button", name="Approve 3").click()
        dialog = page.get_by_role("dialog", name="Approve 3 commissions")
        await expect(dialog).to_contain_text("0.50 EUR, 47.50 USD")
        assert await faults(page) == []
        await dialog.get_by_role("button", name="Approve 3").click()
        await expect(page.get_by_text("3 commissions approved: 0.50 EUR, 47.50 USD.")).to_be_visible()
        await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_disabled()
        await expect(page.locator(".conversions tbody tr").filter(has_text="Approved")).to_have_count(4)
    assert (await statuses(site))["approved"] == 3


async def test_commissions_are_rejected_with_a_reason(browser: Browser, site: Site) -> None:
    look = {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"}
    async with visiting(browser, listed(site), token=await site.gateway.token(), **look) as page:
        await loaded(page)
        await pick(page, "held", "by-hand")
        await page.get_by_role("button", name="Reject 2").click()
        reason = page.get_by_label("Reason")
        await expect(reason).to_be_focused()
        await page.get_by_role("button", name="Reject 2").last.click()
        await expect(reason).to_have_accessible_description(
            "Say why, for the partners to read. The partners read this."
        )
        assert await faults(page) == []
        assert await width(page) == 320
        await reason.fill("Bought by the partner")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("2 commissions rejected: 47.50 USD.")).to_be_visible()
        await expect(page.get_by_text("Rejected: Bought by the partner")).to_have_count(2)
    assert (await statuses(site))["rejected"] == 3


async def test_those_that_cannot_be_settled_are_told_one_by_one(browser: Browser, site: Site) -> None:
    async with visiting(browser, listed(site), token=await site.gateway.token()) as page:
        await loaded(page)
        await pick(page, "held", "by-hand")
        await page.get_by_role("button", name="Reject 2").click()
        await page.get_by_label("Reason").fill("Too late")
        gone = next(row for row in await site.merchant.commissions() if row["approval"] == "manual")
        await commissions.reject(site.gateway.context, site.merchant.program_id, [gone["id"]], "Elsewhere")
        await page.keyboard.press("Enter")
        told = page.get_by_role("dialog", name="1 commission could not be rejected")
        await expect(told.get_by_role("listitem")).to_contain_text("25.00 USD, by-hand, A partner: ")
        await told.get_by_role("button", name="Close").click()
        await expect(page.get_by_text("1 commission rejected: 22.50 USD.")).to_be_visible()
        await expect(page.get_by_text("Rejected: Too late")).to_have_count(1)
        await expect(page.get_by_text("Rejected: Elsewhere")).to_have_count(1)


async def test_partners_review_nothing(browser: Browser, site: Site) -> None:
    token = await site.gateway.token("partner", partner_id=1)
    async with visiting(browser, listed(site), token=token) as page:
        await loaded(page)
        await expect(page.locator(".conversions tbody tr").first).to_be_visible()
        await expect(page.get_by_role("checkbox")).to_have_count(0)
        await expect(page.get_by_role("button", name="Approve")).to_be_hidden()


async def test_a_page_of_many_commissions_is_settled_at_once(browser: Browser, site: Site) -> None:
    for number in range(60):
        await site.merchant.sale(transaction_id=f"many-{number}", customer_key="user_1", product_id="desk")
    gone = (await site.merchant.commissions())[-1]
    async with visiting(browser, listed(site), token=await site.gateway.token()) as page:
        await loaded(page)
        await expect(page.locator(".conversions tbody tr")).to_have_count(50)
        await page.get_by_label("All on this page").check()
        await page.get_by_role("button", name="Reject 50").click()
        await commissions.reject(site.gateway.context, site.merchant.program_id, [gone["id"]], "Elsewhere")
        await page.get_by_label("Reason").fill("A test")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="1 commission could not be rejected")).to_be_visible()
    assert (await statuses(site))["rejected"] == 1 + 50
