"""What links and customers brought in, in exports: several currencies, each in a column of a CSV file, which an export
keeps to its end and when it is resumed."""

from string import ascii_uppercase
from typing import Any

import pytest

from tests.support.exports import csv_rows, exported, json_rows
from tests.support.gateways import Gateway, body_of
from tests.support.merchants import Merchant

AMOUNTS = ("revenue", "commission")
# Many more than there are.
MADE_UP = [f"A{first}{last}" for first in ascii_uppercase for last in ascii_uppercase]


@pytest.fixture
async def seller(merchant: Merchant) -> Merchant:
    """A merchant with sales to two customers in three currencies, one of which has no decimals."""
    await merchant.rule()
    first, second = await merchant.visitor(), await merchant.visitor()
    await merchant.sale(click_id=first, amount_cents=10_001, currency="USD")
    await merchant.sale(click_id=first, amount_cents=1250, currency="JPY")
    await merchant.sale(click_id=second, transaction_id="returned", amount_cents=5000, currency="EUR")
    await merchant.refund("returned", refund_amount_cents=1005)
    return merchant


def amounts(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key.startswith(AMOUNTS)}


async def header(gateway: Gateway, token: str, name: str, **given: str) -> list[str]:
    answer = await exported(gateway, token, name, "csv", **given)
    assert answer.status_code == 200, answer.text
    return answer.text.partition("\r\n")[0].split(",")


async def test_a_link_has_a_column_for_each_currency(seller: Merchant) -> None:
    gateway, token = seller.gateway, await seller.gateway.token()
    await gateway.link("UNSOLD", program=await gateway.program())
    unsold, sold = csv_rows(await exported(gateway, token, "links", "csv"))
    assert amounts(sold) == {
        "revenue_eur": "39.95",
        "revenue_jpy": "1250",
        "revenue_usd": "100.01",
        "commission_eur": "9.99",
        "commission_jpy": "313",
        "commission_usd": "25.00",
    }
    assert unsold["code"] == "UNSOLD"
    assert set(amounts(unsold).values()) == {""}
    lines = json_rows(await exported(gateway, token, "links"))
    assert [line["revenue"] for line in lines] == [
        [],
        [
            {"amount": amount, "currency": code}
            for amount, code in (("39.95", "EUR"), ("1250", "JPY"), ("100.01", "USD"))
        ],
    ]


async def test_a_customer_has_a_column_for_each_currency(seller: Merchant) -> None:
    gateway, token = seller.gateway, await seller.gateway.token()
    second, first = csv_rows(await exported(gateway, token, "customers", "csv"))
    assert amounts(first) == {"revenue_eur": "", "revenue_jpy": "1250", "revenue_usd": "100.01"}
    assert amounts(second) == {"revenue_eur": "39.95", "revenue_jpy": "", "revenue_usd": ""}


async def test_only_currencies_of_what_the_token_can_see_have_columns(seller: Merchant) -> None:
    gateway = seller.gateway
    link = await gateway.link("ELSEWHERE")
    other = Merchant(gateway, link["program_id"], "ELSEWHERE", await _tracking(gateway, link))
    await other.sale(click_id=await other.visitor(), currency="CHF")
    tokens = {
        await gateway.token("program", program_id=link["program_id"]): ["chf"],
        await gateway.token("partner", partner_id=link["partner_id"]): ["chf"],
        await gateway.token("program", program_id=seller.program_id): ["eur", "jpy", "usd"],
        await gateway.token(): ["chf", "eur", "jpy", "usd"],
        other.token: [],
    }
    for token, currencies in tokens.items():
        for name in ("links", "customers"):
            columns = await header(gateway, token, name)
            revenue = [column for column in columns if column.startswith("revenue")]
            assert revenue == [f"revenue_{currency}" for currency in currencies], name


async def _tracking(gateway: Gateway, link: dict[str, Any]) -> str:
    return await gateway.token("tracking", program_id=link["program_id"])


@pytest.mark.parametrize("name", ["links", "customers"])
async def test_a_resumed_export_has_the_same_columns(seller: Merchant, name: str) -> None:
    gateway, token = seller.gateway, await seller.gateway.token()
    await gateway.link("SECOND")
    columns = await header(gateway, token, name)
    begun = csv_rows(await exported(gateway, token, name, "csv"))
    await seller.sale(click_id=await seller.visitor(), currency="CHF")
    after = {"after": begun[0]["cursor"]}
    assert await header(gateway, token, name, **after) == columns
    assert [row["id"] for row in csv_rows(await exported(gateway, token, name, "csv", **after))] == [
        row["id"] for row in begun[1:]
    ]
    assert "revenue_chf" in await header(gateway, token, name)
    # A cursor from elsewhere does not say which columns there were, and JSON lines have all amounts anyway.
    plain = begun[0]["cursor"].partition(".")[0]
    assert "revenue_chf" in await header(gateway, token, name, after=plain)
    assert [row["id"] for row in json_rows(await exported(gateway, token, name, **after))] == [
        row["id"] for row in begun[1:]
    ]


async def test_an_export_that_began_before_the_first_sale_is_resumed_without_amounts(merchant: Merchant) -> None:
    gateway, token = merchant.gateway, await merchant.gateway.token()
    await gateway.link("SECOND")
    columns = await header(gateway, token, "links")
    (first, _) = csv_rows(await exported(gateway, token, "links", "csv"))
    await merchant.sale(click_id=await merchant.visitor())
    assert await header(gateway, token, "links", after=first["cursor"]) == columns
    assert not amounts(dict.fromkeys(columns))


@pytest.mark.parametrize(
    "mark", [".eur", ".EUR-", ".USD-EUR", ".EUR-EUR", ".EUR.USD", ".EURO", ".ÄÖÜ", f".{'-'.join(MADE_UP)}"]
)
async def test_a_cursor_with_currencies_that_make_no_sense_is_refused(seller: Merchant, mark: str) -> None:
    gateway, token = seller.gateway, await seller.gateway.token()
    (row, *_) = json_rows(await exported(gateway, token, "links"))
    answer = await exported(gateway, token, "links", "csv", after=row["cursor"] + mark)
    assert (answer.status_code, body_of(answer)["error"]) == (400, "after is not a valid cursor")
