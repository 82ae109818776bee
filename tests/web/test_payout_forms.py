"""Payouts are recorded on the dashboard, from what is to be paid, and partners read theirs."""

import csv
import io
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from db.schema.commissions import Payout
from graph.domain import payouts
from graph.domain.payouts import NewPayout
from tests.support.commission_site import Site, running_site
from tests.support.databases import MakeDatabase
from tests.support.web_pages import faults, loaded, visiting, width


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_site(make_sqlite()) as running:
        yield running


def address(site: Site) -> str:
    return site.conversions.replace("conversions", "payouts")


async def file_of(page: Page, name: str) -> list[dict[str, str]]:
    async with page.expect_download() as saving:
        await page.get_by_role("button", name=name).click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


async def test_a_payout_is_recorded_with_a_note(browser: Browser, site: Site) -> None:
    token = await site.gateway.token("program", program_id=site.merchant.program_id)
    async with visiting(browser, address(site), token=token) as page:
        await loaded(page)
        await expect(page.locator(".owed tbody tr")).to_contain_text("25.00 USD")
        assert await file_of(page, "CSV of what is to be paid") == [
            {
                "partner_id": "1",
                "partner": "A partner",
                "email": "",
                "program": "A program",
                "amount": "25.00",
                "currency": "USD",
            }
        ]
        await page.get_by_role("button", name="Record a payout to A partner").click()
        dialog = page.get_by_role("dialog", name="Record a payout to A partner")
        await expect(dialog).to_contain_text("25.00 USD")
        await expect(dialog.get_by_label("Note")).to_be_focused()
        assert await faults(page) == []
        await dialog.get_by_label("Note").fill("SEPA 2026-11")
        await page.keyboard.press("Enter")
        told = page.get_by_role("status").filter(has_text="A payout of 25.00 USD to A partner is recorded.")
        await expect(told).to_be_visible()
        await expect(page.get_by_text("Nothing is to be paid.")).to_be_visible()
        await expect(page.locator(".payouts tbody tr").first).to_contain_text("SEPA 2026-11")
        assert [row["note"] for row in await file_of(page, "CSV of payouts")] == ["SEPA 2026-11", ""]
    assert [(row["amount"], row["note"]) for row in await site.gateway.rows(Payout)][-1] == (2500, "SEPA 2026-11")


async def test_nothing_is_paid_twice(browser: Browser, site: Site) -> None:
    async with visiting(browser, address(site), token=await site.gateway.token()) as page:
        await loaded(page)
        await page.get_by_role("button", name="Record a payout to A partner").click()
        dialog = page.get_by_role("dialog", name="Record a payout to A partner")
        await expect(dialog).to_be_visible()
        await payouts.record(site.gateway.context, NewPayout(site.merchant.program_id, 1, "USD"))
        await dialog.get_by_role("button", name="Record the payout").click()
        await expect(dialog.get_by_role("alert").first).to_be_focused()
        await dialog.get_by_role("button", name="Cancel").click()
        await page.reload()
        await expect(page.get_by_text("Nothing is to be paid.")).to_be_visible()
    assert len(await site.gateway.rows(Payout)) == 2


async def test_partners_read_their_payouts(browser: Browser, site: Site) -> None:
    token = await site.gateway.token("partner", partner_id=1)
    look = {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"}
    async with visiting(browser, address(site), token=token, **look) as page:
        await loaded(page)
        await expect(page.locator(".payouts tbody tr")).to_contain_text("25.00 USD")
        await expect(page.get_by_text("To be paid")).to_be_hidden()
        await expect(page.get_by_role("button", name="Record")).to_be_hidden()
        assert await faults(page) == []
        assert await width(page) == 320
