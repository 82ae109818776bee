"""Refunds: what is refused, what is answered, and what they take off a commission."""

from typing import Any

import httpx
import pytest

from db.schema.conversions import Refund
from tests.support.conversion_apis import PATHS, authorization, conversion_apis
from tests.support.gateways import body_of
from tests.support.merchants import Merchant, each, make_merchant

REQUIRED = "transaction_id is required"
NOT_FOUND = "Sale not found for transaction_id"
SKIPPED = {"success": True, "status": "skipped", "reason": "already reversed"}
WITHOUT = {"success": True, "status": "no_commission", "message": "Sale has no commission to reverse"}


def error_of(answer: httpx.Response, status: int = 400) -> str:
    body = body_of(answer)
    assert answer.status_code == status, body
    assert set(body) <= {"error", "code"}
    return str(body["error"])


async def refunds(merchant: Merchant) -> list[dict[str, Any]]:
    return await merchant.gateway.rows(Refund)


async def sold(merchant: Merchant, **fields: Any) -> dict[str, Any]:
    """Record a sale under the transaction id `txn`; return the answer."""
    body: dict[str, Any] = body_of(
        await merchant.sale(**{"transaction_id": "txn", "click_id": await merchant.visitor(), **fields})
    )
    assert body["success"]
    return body


async def test_a_refund_needs_the_transaction_id_of_a_sale_of_the_program(merchant: Merchant) -> None:
    for _, wrong in each("transaction_id", None, "", 5, True, [], {}):
        assert error_of(await merchant.refund(wrong, refund_amount_cents="x")) == REQUIRED
    other = await make_merchant(merchant.gateway, "OTHER")
    await sold(other)
    for unknown in ("nobodys", "txn", "x" * 5000, "a\0b"):
        assert error_of(await merchant.refund(unknown), 404) == NOT_FOUND
    assert await refunds(merchant) == []


async def test_an_invalid_field_is_named(merchant: Merchant) -> None:
    await sold(merchant)
    wrong = [
        *each("refund_amount_cents", -1, 1.5, 100.0, "5", True, [], 10_001, 10**12, 10**30),
        *each("refund_reason", 5, True, [], {}),
        *each("refund_id", 5, [], "x" * 256, "a\0b"),
    ]
    for field, value in wrong:
        assert field in error_of(await merchant.refund("txn", **{field: value})), (field, value)
    assert await refunds(merchant) == []


@pytest.mark.parametrize("amount", ["100.0", "1e2", "0.0", "-5", "1e400", "-1e400", "9" * 5000, f"-{'9' * 5000}"])
async def test_an_amount_is_an_integer_as_it_is_written(merchant: Merchant, amount: str) -> None:
    await sold(merchant)
    body = f'{{"transaction_id": "txn", "refund_amount_cents": {amount}}}'
    answer = await merchant.gateway.http.post(PATHS["refund"], content=body, headers=authorization(merchant.token))
    assert "refund_amount_cents" in error_of(answer)
    assert await refunds(merchant) == []


@conversion_apis
async def test_a_full_refund_reverses_the_commission(merchant: Merchant) -> None:
    await merchant.rule()
    commission_id = (await sold(merchant))["commission_id"]
    answer = await merchant.refund("txn", refund_reason="Did not\0 fit", refund_amount_cents=0)
    assert (answer.status_code, body_of(answer)) == (
        200,
        {"success": True, "status": "reversed", "deductionAmount": 25.0, "commission_id": commission_id},
    )
    assert '"deductionAmount":25.00,' in answer.text
    (row,) = await refunds(merchant)
    assert (row["amount"], row["clawback"], row["reason"]) == (10_000, 2500, "Did not fit")
    assert body_of(await merchant.refund("txn")) == SKIPPED
    assert len(await refunds(merchant)) == 1


@conversion_apis
async def test_parts_add_up_to_the_whole_without_losing_a_cent(merchant: Merchant) -> None:
    await merchant.rule(basis_points=3333)
    await sold(merchant, amount_cents=1000)
    answers = [body_of(await merchant.refund("txn", refund_amount_cents=part)) for part in (333, 333, 333, 1)]
    assert [answer["status"] for answer in answers] == ["refunded"] * 3 + ["reversed"]
    assert [answer["deductionAmount"] for answer in answers] == [1.11, 1.11, 1.11, 0.0]
    (commission,) = await merchant.commissions()
    assert commission["clawed_back"] == commission["amount"] == 333
    await merchant.gateway.recorded()  # checks all sums


@conversion_apis
@pytest.mark.parametrize(("currency", "deducted"), [("JPY", "2500"), ("KWD", "2.500"), ("EUR", "25.00")])
async def test_a_deduction_is_in_major_units(merchant: Merchant, currency: str, deducted: str) -> None:
    await merchant.rule()
    await sold(merchant, currency=currency)
    assert f'"deductionAmount":{deducted},' in (await merchant.refund("txn")).text


@conversion_apis
async def test_a_refund_of_a_sale_without_commission_is_recorded(merchant: Merchant) -> None:
    await sold(merchant)
    assert body_of(await merchant.refund("txn", refund_amount_cents=1)) == WITHOUT
    assert body_of(await merchant.refund("txn")) == WITHOUT
    assert [row["amount"] for row in await refunds(merchant)] == [1, 9999]


@conversion_apis
async def test_a_refund_with_the_same_id_is_recorded_once(merchant: Merchant) -> None:
    await merchant.rule()
    await sold(merchant)
    answers = [
        await merchant.refund("txn", refund_id=refund_id, refund_amount_cents=100) for refund_id in ("a", "a", "b", "a")
    ]
    assert [body_of(answer)["deductionAmount"] for answer in answers] == [0.25] * 4
    assert {body_of(answer)["status"] for answer in answers} == {"refunded"}
    assert [row["refund_id"] for row in await refunds(merchant)] == ["a", "b"]


@conversion_apis
async def test_an_empty_refund_id_counts_as_absent(merchant: Merchant) -> None:
    await sold(merchant)
    for _ in range(2):
        await merchant.refund("txn", refund_id="", refund_reason="", refund_amount_cents=100)
    assert [(row["refund_id"], row["reason"]) for row in await refunds(merchant)] == [(None, None)] * 2


async def test_there_is_no_test_mode(merchant: Merchant) -> None:
    data = {"test_mode": True}
    assert error_of(await merchant.refund("", additional_data=data)) == REQUIRED
    assert error_of(await merchant.refund("nobodys", additional_data=data), 404) == NOT_FOUND
