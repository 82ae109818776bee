"""The file of the dashboard's partners: every one, with what it brought in, in a column for each currency."""

import csv
import io
from decimal import Decimal
from typing import Any

from playwright.async_api import Page

from graph.query.global_ids import encode_id
from tests.support.consoles import Console
from tests.support.web_pages import loaded

PARTNERS = 104
ALL = """{
  partnerPrograms(first: 100, orderBy: {field: CREATED_AT}) {
    nodes {
      partner { name } clicks leadCount saleCount
      revenue { formatted } earnings { formatted } balance { formatted }
    }
  }
}"""

PAY = """mutation ($program: ID!, $partner: ID!) {
  recordPayout(input: {programId: $program, partnerId: $partner, currency: "EUR"}) { userErrors { message } }
}"""


async def file_of(page: Page) -> list[dict[str, str]]:
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="CSV of partners").click()
    download = await saving.value
    assert download.suggested_filename == "partners.csv"
    text = (await download.path()).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def amounts(row: dict[str, str], name: str) -> set[str]:
    """Return what a row has in the columns of an amount, as GraphQL writes it."""
    columns = {key: value for key, value in row.items() if key.startswith(f"{name}_") and value}
    return {f"{value} {key.removeprefix(f'{name}_').upper()}" for key, value in columns.items()}


async def sold(console: Console) -> None:
    """Sell in three currencies, with a refund that leaves the first partner owing the program."""
    merchant = console.merchant
    await merchant.rule(hold_days=0)
    click_id = await merchant.visitor()
    for number, (currency, cents) in enumerate((("USD", 999_999_999_999), ("EUR", 1050), ("JPY", 1250))):
        order = {"transaction_id": f"order-{number}", "amount_cents": cents, "currency": currency}
        assert (await merchant.sale(click_id=click_id, **order)).is_success
    ids = {"program": encode_id("Program", merchant.program_id), "partner": encode_id("Partner", 1)}
    paid = await console.gateway.graphql(PAY, ids, token=console.tokens["program"])
    assert paid["data"]["recordPayout"]["userErrors"] == []
    assert (await merchant.refund("order-1")).is_success


async def test_every_partner_has_a_line_with_exact_amounts(office: Console) -> None:
    for number in range(PARTNERS - 2):
        await office.gateway.partner({"id": office.merchant.program_id}, name=f"=Partner {number}")
    await sold(office)
    async with office.visit("/partners?sort=fewest-clicks") as page:
        await loaded(page)
        rows = await file_of(page)
    assert len(rows) == PARTNERS
    answer = await office.gateway.graphql(ALL, token=office.tokens["program"])
    nodes: list[Any] = answer["data"]["partnerPrograms"]["nodes"]
    for row, node in zip(rows[:100], nodes, strict=True):
        # Text that a spreadsheet would run is made harmless; numbers are numbers.
        assert row["partner"].removeprefix("'") == node["partner"]["name"]
        assert [int(row[name]) for name in ("clicks", "leads", "sales")] == [
            node[name] for name in ("clicks", "leadCount", "saleCount")
        ]
        for name, field in (("revenue", "revenue"), ("commission", "earnings"), ("to_be_paid", "balance")):
            assert amounts(row, name) == {amount["formatted"] for amount in node[field]}
    (first,) = [row for row in rows if int(row["sales"])]
    assert Decimal(first["revenue_usd"]) == Decimal("9999999999.99")
    assert first["revenue_jpy"] == "1250"
    # A negative number is no formula.
    assert Decimal(first["to_be_paid_eur"]) < 0
    assert rows[0]["revenue_usd"] == ""


async def test_the_file_has_only_the_partners_that_are_searched_for(office: Console) -> None:
    async with office.visit("/partners?search=second") as page:
        await loaded(page)
        assert [row["partner"] for row in await file_of(page)] == ["Second partner"]
