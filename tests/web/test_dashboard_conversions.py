"""The dashboard's lists of sales, refunds, leads and commissions: states in words, filters, pages, and what each role
sees."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.commission_site import HOLD_DAYS, Site, running_site
from tests.support.databases import MakeDatabase
from tests.support.web_pages import faults, loaded, visiting, width

PRIVATE = ("user_1", "a***@shop.example", "Too small", "sku_1")
KEYS, MASK, REASON, _ = PRIVATE
SALES = 25


@pytest.fixture
async def site(make_sqlite: MakeDatabase) -> AsyncIterator[Site]:
    async with running_site(make_sqlite()) as site:
        yield site


async def listed(page: Page) -> list[list[str]]:
    """Return the rows of the list without their times, with each cell's lines separated by bars."""
    rows: list[list[str]] = await page.eval_on_selector_all(
        ".conversions tbody tr",
        """rows => rows.map(row => [...row.querySelectorAll("td > div")].map(
            cell => [...cell.children].map(line => line.textContent).join(" | ")))""",
    )
    return rows


async def chosen(page: Page, name: str) -> str:
    """Choose another list, and return what the gateway sent of it once that is shown."""
    asked = f"list: {name.lower()}("
    async with page.expect_response(lambda answer: asked in (answer.request.post_data or "")) as waiting:
        await page.get_by_role("radio", name=name, exact=True).check()
    sent = await (await waiting.value).text()
    first = json.loads(sent)["data"]["list"]["nodes"][0]["id"]
    await expect(page.locator(f".conversions [data-item='{first}']")).to_be_visible()
    return sent


async def test_a_partner_sees_the_state_of_each_commission_in_words(browser: Browser, site: Site) -> None:
    token = await site.gateway.token("partner", partner_id=1)
    until = f"{datetime.now(UTC) + timedelta(days=HOLD_DAYS):%-d %b %Y}"
    today = f"{datetime.now(UTC):%-d %b %Y}"
    async with visiting(browser, f"{site.conversions}?zone=UTC&list=commissions", token=token) as page:
        await loaded(page)
        assert await listed(page) == [
            ["PARTNER123", "approved | Sale", "25.00 USD", "Approved"],
            ["PARTNER123", "returned | Sale", "25.00 USD | 25.00 USD taken off by refunds", "Reversed by refunds"],
            ["PARTNER123", "bad | Sale", "25.00 USD", "Rejected: A test order"],
            ["PARTNER123", "by-hand | Sale", "25.00 USD", "Pending approval"],
            ["PARTNER123", "held | Sale", "25.00 USD | 2.50 USD taken off by refunds", f"Pending until {until}"],
            ["PARTNER123", "paid | Sale", "25.00 USD", f"Paid on {today}"],
            ["PARTNER123", "signup | Lead", "0.50 EUR", f"Pending until {until}"],
        ]


async def test_commissions_can_be_filtered_by_status_which_is_kept_in_the_address(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.conversions, token=await site.gateway.token()) as page:
        await loaded(page)
        await expect(page.get_by_label("Status")).to_be_hidden()
        await chosen(page, "Commissions")
        await page.get_by_label("Status").select_option("Pending")
        await expect(page.locator(".conversions tbody tr")).to_have_count(3)
        await page.get_by_label("Status").select_option("Rejected")
        await expect(page.locator(".conversions tbody tr")).to_have_count(1)
        assert all(part in page.url for part in ("list=commissions", "status=rejected"))
        await page.reload()
        await loaded(page)
        await expect(page.get_by_label("Status")).to_have_value("REJECTED")
        await expect(page.locator(".conversions tbody tr")).to_have_count(1)
        await page.go_back()
        await expect(page.locator(".conversions tbody tr")).to_have_count(3)
        await page.get_by_label("Today").check()
        await expect(page.locator(".conversions tbody tr")).to_have_count(3)
        await page.get_by_role("radio", name="Sales", exact=True).check()
        assert "status" not in page.url
        await expect(page.locator(".conversions tbody tr")).to_have_count(6)


async def test_a_status_without_commissions_is_said_to_have_none(browser: Browser, site: Site) -> None:
    query = "?list=commissions&status=paid&range=custom&from=2026-01-01&to=2026-01-02"
    async with visiting(browser, f"{site.conversions}{query}", token=await site.gateway.token()) as page:
        await loaded(page)
        await expect(page.get_by_text("No paid commissions in this period.")).to_be_visible()


async def test_sales_are_listed_with_their_refunds_and_commissions(browser: Browser, site: Site) -> None:
    token = await site.gateway.token("program", program_id=site.merchant.program_id)
    until = f"{datetime.now(UTC) + timedelta(days=HOLD_DAYS):%-d %b %Y}"
    today = f"{datetime.now(UTC):%-d %b %Y}"
    async with visiting(browser, f"{site.conversions}?zone=UTC", token=token) as page:
        await loaded(page)
        sales = await listed(page)
        orders = "approved | at-once, returned, bad | desk, by-hand | checked, held | desk, paid | at-once"
        assert ", ".join(row[2] for row in sales) == orders
        customer = f"{KEYS} | {MASK}"
        held = f"25.00 USD | Pending until {until}, 2.50 USD taken off by refunds"
        assert sales[4] == ["PARTNER123", "A partner", "held | desk", customer, "100.00 USD | 10.00 USD refunded", held]
        assert sales[2][-1] == "25.00 USD | Rejected: A test order"
        refunded = page.locator(".conversions [title^=Refunded]").last
        await expect(refunded).to_have_attribute("title", f"Refunded 10.00 USD on {today}")
        await chosen(page, "Refunds")
        assert await listed(page) == [
            ["PARTNER123", "A partner", "held", customer, "\N{EN DASH}", "10.00 USD", "2.50 USD"],
            ["PARTNER123", "A partner", "returned", customer, REASON, "100.00 USD", "25.00 USD"],
        ]
        await chosen(page, "Leads")
        assert await listed(page) == [
            ["PARTNER123", "A partner", "signup", customer, "s.ex/up", f"0.50 EUR | Pending until {until}"]
        ]


async def test_a_partner_is_sent_nothing_private(browser: Browser, site: Site) -> None:
    token = await site.gateway.token("partner", partner_id=1)
    async with visiting(browser, site.conversions, token=token) as page:
        await loaded(page)
        for name in ("Refunds", "Leads", "Commissions", "Sales"):
            sent = await chosen(page, name)
            assert '"nodes":[{' in sent
            assert not [private for private in PRIVATE if private in sent or private in await page.content()]


async def test_provisional_leads_are_marked(browser: Browser, site: Site) -> None:
    await site.gateway.graphql(
        'mutation { updateProgram(input: {id: "UHJvZ3JhbTox", leadAuth: SERVER}) { userErrors { message } } }',
        token=await site.gateway.token(),
    )
    await site.merchant.lead(click_id=await site.merchant.visitor(), customer_key="user_2")
    async with visiting(browser, f"{site.conversions}?list=leads", token=await site.gateway.token()) as page:
        await loaded(page)
        leads = await listed(page)
        assert [row[2] for row in leads] == ["signup | Not confirmed yet", "signup"]


async def test_lists_are_filtered_like_everything_else(browser: Browser, site: Site) -> None:
    program = {"id": site.merchant.program_id}
    await site.gateway.link("OTHER", program=program, partner=await site.gateway.partner(name="Another partner"))
    answer = await site.gateway.track("OTHER")
    await site.merchant.sale(transaction_id="theirs", click_id=answer.json()["click_id"])
    async with visiting(browser, site.conversions, token=await site.gateway.token()) as page:
        await loaded(page)
        assert len(await listed(page)) == 7
        await page.get_by_role("link", name="Overview").click()
        await page.locator("[data-ranking=partners] button", has_text="Another partner").click()
        await page.get_by_role("link", name="Conversions").click()
        await expect(page.locator(".conversions tbody tr")).to_have_count(1)
        await expect(page.locator(".conversions tbody tr")).to_contain_text("theirs")


async def test_sales_can_be_paged(browser: Browser, site: Site) -> None:
    click_id = await site.merchant.visitor()
    for number in range(SALES):
        await site.merchant.sale(transaction_id=f"n{number:02}", click_id=click_id)
    expected = [f"n{number:02}" for number in reversed(range(SALES))]
    async with visiting(browser, site.conversions, token=await site.gateway.token()) as page:
        await loaded(page)
        pages = page.get_by_role("navigation", name="Pages of conversions")
        orders = page.locator(".conversions td[data-label=Order] .cut")
        assert await orders.all_inner_texts() == expected[:10]
        await expect(pages.get_by_role("button", name="Newer")).to_be_disabled()
        await pages.get_by_role("button", name="Older").click()
        await expect(orders.first).to_have_text(expected[10])
        assert await orders.all_inner_texts() == expected[10:20]
        await site.merchant.sale(transaction_id="late", click_id=click_id)
        await pages.get_by_role("button", name="Older").click()
        await expect(orders.first).to_have_text(expected[20])
        assert (await orders.all_inner_texts())[:5] == expected[20:]
        for first in (expected[10], expected[0]):
            await pages.get_by_role("button", name="Newer").click()
            await expect(orders.first).to_have_text(first)
        await pages.get_by_role("button", name="Newer").click()
        await expect(orders.first).to_have_text("late")
        await expect(pages.get_by_role("button", name="Newer")).to_be_disabled()


async def test_the_csv_of_a_list_has_its_amounts_as_numbers(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.conversions, token=await site.gateway.token()) as page:
        await loaded(page)
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="CSV of conversions").click()
        download = await saving.value
        text = (await download.path()).read_text(encoding="utf-8-sig")
        rows = {row["transaction_id"]: row for row in csv.DictReader(io.StringIO(text))}
        assert download.suggested_filename.startswith("sales-")
        expected = {
            "referral_link_code": "PARTNER123",
            "partner_name": "A partner",
            "program_name": "A program",
            "customer_key": KEYS,
            "transaction_id": "held",
            "product_id": "desk",
            "amount": "100.00",
            "refunded": "10.00",
            "currency": "USD",
            "commission_amount": "25.00",
            "commission_clawed_back": "2.50",
            "commission_currency": "USD",
            "commission_status": "PENDING",
            "commission_rejected_reason": "",
        }
        assert {name: rows["held"][name] for name in expected} == expected


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("pixels", [360, 820, 1440])
async def test_long_names_fit_and_nothing_is_inaccessible(
    browser: Browser, site: Site, pixels: int, colours: str
) -> None:
    partner = await site.gateway.partner(name="An exceedingly long name of a partner " * 6)
    await site.gateway.link("L" * 64, program={"id": site.merchant.program_id}, partner=partner)
    answer = await site.gateway.track("L" * 64)
    long = {"transaction_id": "order-" * 40, "customer_key": "user" * 60, "product_id": "sku" * 80}
    await site.merchant.sale(click_id=answer.json()["click_id"], amount_cents=10**12, currency="IDR", **long)
    await site.merchant.refund(long["transaction_id"], refund_reason="Unhappy" * 36)
    look = {"viewport": {"width": pixels, "height": 800}, "color_scheme": colours, "reduced_motion": "reduce"}
    async with visiting(browser, site.conversions, token=await site.gateway.token(), **look) as page:
        await loaded(page)
        for name in ("Refunds", "Leads", "Commissions", "Sales"):
            await chosen(page, name)
            assert await width(page) == pixels
            inner = "table => table.scrollWidth - table.parentElement.clientWidth"
            assert await page.eval_on_selector(".conversions", inner) <= 0, name
        assert await faults(page) == []


async def test_a_list_can_be_chosen_by_keyboard(browser: Browser, site: Site) -> None:
    async with visiting(browser, site.conversions, token=await site.gateway.token()) as page:
        await loaded(page)
        await page.get_by_role("radio", name="Sales", exact=True).focus()
        for _ in range(3):
            await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("radio", name="Commissions", exact=True)).to_be_focused()
        # What keys pass by is not loaded.
        await expect(page.get_by_label("Status")).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Status")).to_be_focused()
        await page.keyboard.type("App")
        await expect(page.locator(".conversions tbody tr")).to_have_count(1)
        await expect(page.get_by_label("Status")).to_be_focused()
