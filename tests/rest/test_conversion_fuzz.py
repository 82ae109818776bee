"""Hundreds of hostile conversions to a real server: no internal error, and nothing that contradicts what is stored."""

import asyncio
import json
from collections import Counter
from random import Random
from typing import Any

import pytest

from db.schema.conversions import ConversionTestEvent, LeadEvent, Refund, Sale
from graph.domain.leads import LeadInput
from graph.domain.refunds import RefundInput
from graph.domain.sales import SaleInput
from tests.rest.test_click_fuzz import JUNK, TEXTS, any_value
from tests.support.conversion_apis import PATHS, authorization
from tests.support.gateways import body_of
from tests.support.merchants import Merchant

pytestmark = pytest.mark.slow

REQUESTS = 900
CLIENTS = 12
FIELDS: dict[str, tuple[str, ...]] = {
    "lead": LeadInput.__struct_fields__,
    "sale": SaleInput.__struct_fields__,
    "refund": RefundInput.__struct_fields__,
}
NUMBERS = ["100.0", "1e3", "-0", "1E400", "9" * 30, "1" + "0" * 12]
TIMES = ["2026-05-01T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-05-01T12:00:00"]


def any_conversion(random: Random, kind: str, click_ids: list[str]) -> dict[str, Any]:
    """Generate a conversion with mostly valid fields."""
    fields: dict[str, Any] = {"transaction_id": f"txn_{random.randrange(60)}"}
    if kind != "refund":
        fields["click_id"] = random.choice(click_ids)
        fields["customer_key"] = random.choice([None, None, f"user_{random.randrange(20)}"])
        fields["email"] = random.choice([*TEXTS, "alice@example.com"])
    if kind == "sale":
        fields["amount_cents"] = random.randrange(1, 10_000)
        fields["currency"] = random.choice([None, "usd", "JPY", "kwd", "XXX"])
        fields["occurred_at"] = random.choice([None, None, None, *TIMES])
    else:
        fields["refund_amount_cents"] = random.choice([None, 0, random.randrange(1, 5000), 10**15])
        fields["refund_id"] = random.choice([None, f"refund_{random.randrange(30)}"])
    for name in random.sample(FIELDS[kind], random.randrange(3)):
        if random.random() < 0.3:
            fields[name] = any_value(random)
    if random.random() < 0.3:
        fields["additional_data"] = {random.choice(TEXTS): any_value(random) for _ in range(3)}
    if random.random() < 0.1:
        fields["additional_data"] = {"test_mode": True, "event_name": any_value(random), "note": any_value(random)}
    return fields


def any_body(random: Random, kind: str, click_ids: list[str]) -> bytes:
    body = json.dumps(any_conversion(random, kind, click_ids), ensure_ascii=random.random() < 0.5)
    if random.random() < 0.1:
        for name in ("amount_cents", "refund_amount_cents"):
            body = body.replace(f'"{name}": ', f'"{name}": {random.choice(NUMBERS)}, "was": ')
    encoded = body.encode("utf-8", "surrogatepass")
    if random.random() < 0.1:
        at = random.randrange(len(encoded) + 1)
        encoded = encoded[:at] + random.choice(JUNK) + encoded[at + random.randrange(3) :]
    return encoded


async def client(merchant: Merchant, random: Random, click_ids: list[str]) -> list[tuple[str, int, dict[str, Any]]]:
    answers = []
    for _ in range(REQUESTS // CLIENTS):
        kind = random.choice(["lead", "sale", "sale", "refund"])
        token = None if kind == "lead" and random.random() < 0.5 else merchant.token
        body = any_body(random, kind, click_ids)
        answer = await merchant.gateway.http.post(PATHS[kind], content=body, headers=authorization(token))
        answers.append((kind, answer.status_code, body_of(answer)))
    return answers


async def test_all_hostile_conversions_are_answered_and_recorded_exactly(merchant: Merchant) -> None:
    await merchant.rule()
    click_ids = [await merchant.visitor() for _ in range(15)]
    clients = [client(merchant, Random(seed), click_ids) for seed in range(CLIENTS)]
    answers = [answer for some in await asyncio.gather(*clients) for answer in some]
    assert {status for _, status, _ in answers} == {200, 400, 404, 409}
    gateway = merchant.gateway
    sales = await gateway.rows(Sale)
    recorded = [
        body["sale_id"] for kind, status, body in answers if kind == "sale" and body.get("sale_id") and status == 200
    ]
    assert sorted(recorded) == sorted(row["id"] for row in sales)
    assert len({row["transaction_id"] for row in sales}) == len(sales) > 20
    duplicates = {body["sale_id"] for _, status, body in answers if status == 409}
    assert duplicates <= set(recorded)
    refunded = Counter({row["id"]: 0 for row in sales})
    for row in await gateway.rows(Refund):
        refunded[row["sale_id"]] += row["amount"]
    assert refunded == Counter({row["id"]: row["refunded"] for row in sales})
    assert await gateway.rows(LeadEvent)
    tests = [body for _, _, body in answers if "data" in body]
    assert len(await gateway.rows(ConversionTestEvent)) == len(tests) > 10
    await gateway.recorded()  # checks all counters, sums and commissions
