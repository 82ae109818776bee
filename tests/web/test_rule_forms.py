"""Commission rules are read in words, created and ended on the dashboard."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from db.schema.commissions import CommissionRule
from gateway.pages import DIST
from graph.domain.currencies import known_decimals
from tests.support.consoles import Console
from tests.support.web_pages import faults, loaded, width

CURRENCIES = Path(DIST.parent, "src/dashboard/parts/currencies.ts")
PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 700}, "color_scheme": "dark"}


async def rules(office: Console) -> list[dict[str, Any]]:
    return await office.gateway.rows(CommissionRule)


async def fill(page: Page, **fields: str) -> None:
    for label, value in fields.items():
        field = page.get_by_role("dialog").get_by_label(label.replace("_", " "), exact=True)
        await (field.select_option if await field.evaluate("field => field.tagName") == "SELECT" else field.fill)(value)


@pytest.mark.parametrize(
    ("fields", "words", "columns"),
    [
        (
            {"Percent": "30", "For_how_long": "Some months"},
            "30% of every sale for 12 months, held 15 days",
            {"kind": "percent", "basis_points": 3000, "duration_months": 12, "hold_days": 15, "partner_id": None},
        ),
        (
            {
                "Percent": "12,5",
                "Partner": "Second partner",
                "For_how_long": "The first sale only",
                "Approved": "By hand",
            },
            "12.5% of a customer\N{RIGHT SINGLE QUOTATION MARK}s first sale, approved by hand",
            {"basis_points": 1250, "duration_months": 0, "approval": "manual", "partner_id": 2},
        ),
        (
            {"Commission": "A fixed amount", "Amount": "5", "Currency": "huf", "Days_of_the_hold": "0"},
            "5.00 HUF for every sale, approved at once",
            {"kind": "fixed", "amount": 500, "currency": "HUF", "hold_days": 0, "duration_months": None},
        ),
        (
            {"Earned_by": "A lead", "Amount": "0.25", "Days_of_the_hold": "1"},
            "0.25 USD for every lead, held 1 day",
            {"event": "lead", "kind": "fixed", "amount": 25, "currency": "USD", "hold_days": 1},
        ),
    ],
)
async def test_a_rule_is_read_in_words_while_it_is_made(
    office: Console, fields: dict[str, str], words: str, columns: dict[str, Any]
) -> None:
    async with office.visit("/rules") as page:
        await loaded(page)
        await expect(page.get_by_text("No rules yet, so nothing is earned.")).to_be_visible()
        await page.get_by_role("button", name="New rule").click()
        await fill(page, **fields)
        await expect(page.get_by_role("dialog")).to_contain_text(words)
        await page.get_by_role("button", name="Create rule").click()
        await expect(page.get_by_role("status").filter(has_text=f"The rule is created: {words}.")).to_be_visible()
        await expect(page.locator(".rules tbody tr")).to_contain_text(words)
    (made,) = await rules(office)
    assert {name: made[name] for name in columns} == columns


async def test_what_a_rule_lacks_is_said_beside_the_field(office: Console) -> None:
    async with office.visit("/rules", **PHONE) as page:
        await loaded(page)
        await page.get_by_role("button", name="New rule").click()
        await page.get_by_role("button", name="Create rule").click()
        share = page.get_by_label("Percent")
        await expect(share).to_be_focused()
        assert await faults(page) == []
        assert await width(page) == 320
        for text in ("101", "1.234", "much"):
            await share.fill(text)
            await page.keyboard.press("Enter")
            await expect(share).to_have_accessible_description(
                "Type a number from 0 to 100, with at most two decimals."
            )
        await share.fill("10%")
        await fill(page, Days_of_the_hold="400")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Days of the hold")).to_have_accessible_description("Must be between 0 and 365.")
        await fill(page, Days_of_the_hold="15", Commission="A fixed amount", Amount="1.5", Currency="JPY")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Amount")).to_be_focused()
        await fill(page, Currency="XYZ")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Currency")).to_be_focused()
    assert await rules(office) == []


async def test_rules_are_ended_and_listed_by_whether_they_are_in_force(office: Console) -> None:
    await office.merchant.rule()
    await office.merchant.rule(product_id="x", basis_points=100, effective_from=datetime.now(UTC) + timedelta(days=3))
    async with office.visit("/rules") as page:
        await loaded(page)
        await expect(page.locator(".rules .badge")).to_have_text("planned")
        await page.get_by_role("radio", name="In force").check()
        await page.get_by_role("button", name="Actions for 25% of every sale").click()
        await page.get_by_role("menuitem", name="End").click()
        await expect(page.get_by_role("dialog")).to_contain_text("What is earned already stays.")
        await page.get_by_role("button", name="End it").click()
        await expect(page.get_by_text("No rules match.")).to_be_visible()
        assert page.url.endswith("force=now")
        await page.get_by_role("radio", name="Ended or planned").check()
        await expect(page.locator(".rules .badge")).to_have_text(["planned", "ended"])
        assert await faults(page) == []
    assert [row["effective_to"] is None for row in await rules(office)] == [False, True]


async def test_partners_read_the_rules_that_are_theirs(office: Console) -> None:
    await office.merchant.rule()
    await office.merchant.rule(partner_id=2, basis_points=100)
    async with office.visit("/rules", "partner") as page:
        await loaded(page)
        await expect(page.locator(".rules tbody tr")).to_have_count(1)
        await expect(page.locator(".rules tbody tr")).to_contain_text("25% of every sale")
        for name in ("New rule", "Actions for"):
            await expect(page.get_by_role("button", name=name)).to_be_hidden()


def test_the_dashboard_knows_the_decimals_of_all_currencies() -> None:
    found = re.findall(r'^  (\d): "([A-Z ]+)",$', CURRENCIES.read_text(), re.MULTILINE)
    unusual = {code: int(digits) for digits, codes in found for code in codes.split()}
    assert unusual == {code: digits for code, digits in known_decimals().items() if digits != 2}
