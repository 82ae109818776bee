"""Sales: what is refused, in which order, what is answered, and what is stored."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from db.schema.conversions import ConversionTestEvent, Sale
from db.schema.programs import Program
from tests.support.conversion_apis import PATHS, authorization, conversion_apis, error_of
from tests.support.gateways import body_of
from tests.support.merchants import Merchant, each, make_merchant

NO_TRANSACTION = "transaction_id is required and must be a string"
NO_AMOUNT = "amount_cents is required and must be a positive integer"
NOT_FOUND = "Customer not found. Provide customer_key or click_id."
DUPLICATE = "Duplicate transaction_id. This sale has already been recorded."
NOBODYS = "cust_999999_1715000000000"
WRONG_IDS: list[Any] = [None, "", 5, True, [], {}, 1.5, "x" * 256, "a\0b"]
WRONG_AMOUNTS: list[Any] = [None, "", "5", 0, -1, 1.5, 100.0, True, False, [], {}, 10**12 + 1, 10**30]
WRONG_TIMES = [
    *("x", "2026-05-01", "2026-05-01T12:00:00", "2026-13-01T12:00:00Z", "1767225600", "2026-05-01T12:00Z"),
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z"),
    *("2026-05-01T12:00:00+0530", "2026-05-01T12:00:60Z", "9999-12-31T23:59:60Z"),
]
WRONG = [
    *each("currency customer_key click_id sale_type subscription_id product_id occurred_at", 5, True, [], {}),
    *each("customer_key subscription_id product_id", "x" * 256, "a\0b"),
    *each("currency", "US", "DOLLAR", "ABC", "XAU", " USD", "u\u017fd", "\u0131nr"),
    *each("sale_type", "refund", "Payment", "x" * 5000),
    *each("subscription_interval", "daily", 5),
    *each("is_recurring", 1, 0, "true", [], {}),
    *each("line_items", "[]", {}, 5, ["x" * (16 * 1024)], ["é" * (8 * 1024)]),
    *each("additional_data", "x", 5, []),
    *each("occurred_at", *WRONG_TIMES),
]


async def sales(merchant: Merchant) -> list[dict[str, Any]]:
    return await merchant.gateway.rows(Sale)


async def raw(merchant: Merchant, body: str) -> httpx.Response:
    return await merchant.gateway.http.post(PATHS["sale"], content=body, headers=authorization(merchant.token))


async def test_a_sale_needs_a_transaction_id_then_an_amount(merchant: Merchant) -> None:
    for wrong in WRONG_IDS:
        answer = await merchant.sale(transaction_id=wrong, amount_cents=-1, currency=5)
        assert error_of(answer) == NO_TRANSACTION
    for wrong in WRONG_AMOUNTS:
        assert error_of(await merchant.sale(amount_cents=wrong, currency=5)) == NO_AMOUNT
    assert await sales(merchant) == []


@pytest.mark.slow
@pytest.mark.parametrize("amount", ["100.0", "1e3", "1E2", "1.0e2", "-0", "0.0", "1e400", "9" * 5000, '"100"'])
async def test_an_amount_is_an_integer_as_it_is_written(merchant: Merchant, amount: str) -> None:
    answer = await raw(merchant, f'{{"transaction_id": "txn", "amount_cents": {amount}}}')
    assert error_of(answer) == NO_AMOUNT


@pytest.mark.slow
async def test_an_invalid_field_is_named_before_anything_is_looked_up(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    for fields in ({"customer_key": NOBODYS}, {"click_id": click_id}):
        for field, wrong in WRONG:
            assert field in error_of(await merchant.sale(**{**fields, field: wrong})), (field, wrong)
    assert await sales(merchant) == []


@conversion_apis
async def test_a_sale_without_a_known_customer_is_refused(merchant: Merchant) -> None:
    foreign = await (await make_merchant(merchant.gateway, "OTHER")).visitor()
    for named in ({}, {"click_id": "", "customer_key": ""}, {"customer_key": "user_1"}, {"click_id": NOBODYS}):
        assert error_of(await merchant.sale(**named)) == NOT_FOUND
    for click_id in (foreign, "x" * 5000, "a\0b"):
        assert error_of(await merchant.sale(click_id=click_id)) == NOT_FOUND
        assert error_of(await merchant.sale(click_id=click_id, customer_key="user_1")) == NOT_FOUND
    assert await sales(merchant) == []


@conversion_apis
async def test_a_sale_is_recorded_with_what_it_was_sent_with(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    items = [{"sku": "a", "price": 10.00, "name": "Ünïcode"}, {"huge": 10**20}, None, [1e-7]]
    answer = await merchant.sale(
        transaction_id="txn",
        amount_cents=10**12,
        currency="kwd",
        click_id=click_id,
        customer_key="user_1",
        sale_type="subscription",
        is_recurring=True,
        subscription_id="sub",
        product_id="product",
        subscription_interval="annual",
        line_items=items,
        additional_data={"coupon": "SPRING", "test_mode": False, "program_id": 7, "nul": "a\0b"},
    )
    (row,) = await sales(merchant)
    assert (answer.status_code, body_of(answer)) == (
        200,
        {"success": True, "sale_id": row["id"], "commission_id": None, "message": "Sale tracked successfully"},
    )
    assert (row["transaction_id"], row["amount"], row["currency"]) == ("txn", 10**12, "KWD")
    assert (row["sale_type"], row["is_recurring"], row["subscription_interval"]) == ("subscription", True, "annual")
    assert (row["subscription_id"], row["product_id"]) == ("sub", "product")
    assert json.loads(row["line_items"]) == items
    assert json.loads(row["additional_data"]) == {"coupon": "SPRING", "program_id": 7, "nul": "ab"}
    customer = await merchant.customer(click_id)
    assert (customer["customer_status"], customer["customer_key"]) == ("conversion", "user_1")
    assert row["customer_id"] == customer["id"]
    assert (await merchant.gateway.link_row())["sales"] == 1


async def test_empty_strings_and_nulls_count_as_absent(merchant: Merchant) -> None:
    await merchant.gateway.execute(update(Program).values(currency="JPY"))
    texts = ("currency", "customer_key", "sale_type", "subscription_id", "product_id", "subscription_interval")
    for absent in ("", None):
        named = dict.fromkeys((*texts, "occurred_at"), absent)
        answer = await merchant.sale(**{**named, "click_id": await merchant.visitor()}, is_recurring=None)
        assert answer.status_code == 200
    for row in await sales(merchant):
        assert (row["currency"], row["sale_type"], row["is_recurring"]) == ("JPY", "payment", False)
        assert row["subscription_id"] is row["product_id"] is row["subscription_interval"] is row["line_items"] is None


@conversion_apis
async def test_a_transaction_is_recorded_once_in_a_program(merchant: Merchant) -> None:
    await merchant.rule()
    click_id, other = await merchant.visitor(), await make_merchant(merchant.gateway, "OTHER")
    first = body_of(await merchant.sale(transaction_id="txn", click_id=click_id))
    (commission,) = await merchant.commissions()
    assert first["commission_id"] == commission["id"]
    for fields in ({}, {"click_id": click_id}, {"amount_cents": 5, "customer_key": NOBODYS}):
        answer = await merchant.sale(transaction_id="txn", **fields)
        assert answer.status_code == 409
        assert body_of(answer) == {
            "error": DUPLICATE,
            "code": "duplicate_transaction",
            "sale_id": first["sale_id"],
            "commission_id": commission["id"],
        }
    assert error_of(await merchant.sale(transaction_id="txn", currency="ABC")).startswith("currency")
    assert (await other.sale(transaction_id="txn", click_id=await other.visitor())).status_code == 200
    assert len(await sales(merchant)) == 2


@conversion_apis
async def test_of_concurrent_sales_with_one_transaction_id_one_is_recorded(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    answers = await asyncio.gather(*(merchant.sale(transaction_id="txn", click_id=click_id) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 19]
    assert len({body_of(answer)["sale_id"] for answer in answers}) == 1
    assert len(await sales(merchant)) == 1


@conversion_apis
async def test_a_sale_after_the_attribution_window_records_nothing(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    await merchant.age(click_id, 75.5)
    answer = await merchant.sale(transaction_id="txn", click_id=click_id)
    assert (answer.status_code, body_of(answer)) == (
        200,
        {
            "success": True,
            "attributed": False,
            "reason": "attribution_window_expired",
            "click_age_days": 75,
            "window_days": 60,
            "sale_id": None,
            "commission_id": None,
        },
    )
    assert await sales(merchant) == []


@conversion_apis
async def test_a_bound_customer_has_no_window(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    assert (await merchant.sale(click_id=click_id)).status_code == 200
    await merchant.age(click_id, 400)
    assert "sale_id" in body_of(await merchant.sale(click_id=click_id, is_recurring=True))
    assert len(await sales(merchant)) == 2


@conversion_apis
async def test_a_sale_may_be_back_dated_to_its_click(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    await merchant.age(click_id, 10)
    now = datetime.now(UTC)
    for days, is_fine in ((5, True), (9.9, True), (10.1, False), (10_000, False)):
        at = (now - timedelta(days=days)).isoformat()
        answer = await merchant.sale(click_id=click_id, occurred_at=at)
        assert answer.status_code == (200 if is_fine else 400)
        assert is_fine or "occurred_at" in error_of(answer)
    for ahead, is_fine in ((4, True), (6, False)):
        at = (datetime.now(UTC) + timedelta(minutes=ahead)).isoformat()
        answer = await merchant.sale(click_id=click_id, occurred_at=at)
        assert (answer.status_code == 200) is is_fine
    offset = (now - timedelta(days=1)).replace(microsecond=0)
    stamp = (offset + timedelta(hours=5, minutes=30)).replace(tzinfo=None).isoformat() + "+05:30"
    await merchant.sale(transaction_id="offset", click_id=click_id, occurred_at=stamp)
    (row,) = [row for row in await sales(merchant) if row["transaction_id"] == "offset"]
    assert row["occurred_at"] == offset


async def test_test_mode_needs_only_a_token(merchant: Merchant) -> None:
    data = {"test_mode": True, "program_id": 999_999}
    answer = await merchant.sale(transaction_id=5, amount_cents="x", currency=5, line_items={}, additional_data=data)
    (event,) = await merchant.gateway.rows(ConversionTestEvent)
    assert answer.status_code == 200
    assert body_of(answer) == {
        "success": True,
        "message": "Test sale event tracked successfully",
        "data": {"eventId": event["id"], "programId": merchant.program_id, "test_mode": True},
    }
    assert (event["kind"], json.loads(event["body"])) == ("sale", {"additional_data": data})
    assert await sales(merchant) == []
