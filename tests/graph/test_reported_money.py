"""Conversions in `clickReport` as clients see them: from REST and GraphQL to the report, for each role."""

from typing import Any

import pytest
from sqlalchemy import text

from db.audit.report import audit
from db.outbox.consumers import add_consumer, list_consumers, rewind_consumer
from db.outbox.runner import ConsumerRunner
from db.rollups.aggregator import ConversionAggregator
from gateway.services import now
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import changed
from tests.support.gateways import body_of
from tests.support.merchants import Merchant

REPORT = """{ clickReport(from: "2020-01-01T00:00:00Z", to: "2039-01-01T00:00:00Z" FILTER) {
  people leads sales conversionRate revenue { formatted } earnings { amount currency }
  series(interval: MONTH) { sales revenue { amount } }
  top(by: LINK) { value clicks sales revenue { formatted } }
} }"""
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
DAMAGE = (
    "UPDATE conversion_rollups SET revenue = revenue + 1 WHERE level = 'link' AND span_seconds = 900",
    "DELETE FROM conversion_rollups WHERE level = 'program' AND span_seconds = 3600",
    "UPDATE conversion_rollups SET currency = 'EUR' WHERE currency = 'USD'",
    "UPDATE conversion_bookings SET earnings = earnings + 1 WHERE kind = 'sale'",
    "DELETE FROM conversion_bookings WHERE kind = 'refund'",
    "UPDATE conversion_bookings SET leads = 2 WHERE kind = 'lead'",
)


async def report(merchant: Merchant, token: str | None = None, filter: str = "") -> Any:
    answer = await merchant.gateway.graphql(
        REPORT.replace("FILTER", filter), token=token or await merchant.gateway.token()
    )
    assert "errors" not in answer, answer
    return answer["data"]["clickReport"]


async def aggregate(merchant: Merchant) -> None:
    store = merchant.gateway.store
    consumer = ConversionAggregator(store, pause_seconds=0)
    await add_consumer(store, consumer)
    runner = ConsumerRunner(store, consumer, clock=now)
    await runner.run_all()
    await runner.close()


async def sell(merchant: Merchant) -> None:
    """Record a lead, and two sales of which one is refunded in part."""
    await merchant.rule()
    click_id = body_of(await merchant.gateway.track(merchant.code, headers={"user-agent": BROWSER}))["click_id"]
    await merchant.visitor()  # a script's click
    assert (await merchant.lead(click_id=click_id)).status_code == 200
    for name in ("first", "second"):
        assert (await merchant.sale(transaction_id=name, click_id=click_id)).status_code == 200
    assert (await merchant.refund("first", refund_amount_cents=4000)).status_code == 200


@pytest.mark.slow
async def test_a_report_counts_conversions_whether_aggregated_or_not(merchant: Merchant) -> None:
    await sell(merchant)
    before = await report(merchant)
    assert (before["leads"], before["sales"], before["conversionRate"]) == (1, 2, 2.0)
    assert before["revenue"] == [{"formatted": "160.00 USD"}]
    assert before["earnings"] == [{"amount": 4000, "currency": "USD"}]
    assert sum(bucket["sales"] for bucket in before["series"]) == 2
    assert before["top"] == [
        {"value": merchant.code, "clicks": 2, "sales": 2, "revenue": [{"formatted": "160.00 USD"}]}
    ]
    await aggregate(merchant)
    assert await report(merchant) == before
    await rewind_consumer(merchant.gateway.store, ConversionAggregator(merchant.gateway.store))
    assert {state.name for state in await list_consumers(merchant.gateway.store)} >= {"conversions", "rollups"}
    assert await report(merchant) == before
    await aggregate(merchant)
    assert await report(merchant) == before
    assert not (await audit(merchant.gateway.store)).differences


@pytest.mark.slow
@pytest.mark.parametrize("is_early", [True, False])
async def test_a_rejected_commission_leaves_the_earnings_of_its_time(merchant: Merchant, is_early: bool) -> None:
    await sell(merchant)
    if not is_early:
        await aggregate(merchant)
    first, _ = await merchant.commissions()
    id = encode_id("Commission", first["program_id"], first["id"])
    await changed(merchant.gateway, "rejectCommission", await merchant.gateway.token(), id=id, reason="A test order")
    await merchant.refund("first")
    for _ in range(2):
        found = await report(merchant)
        assert (found["sales"], found["earnings"]) == (2, [{"amount": 2500, "currency": "USD"}])
        assert found["revenue"] == [{"formatted": "100.00 USD"}]
        await aggregate(merchant)
    assert not (await audit(merchant.gateway.store)).differences


@pytest.mark.slow
async def test_each_token_sees_the_conversions_of_its_scope(merchant: Merchant) -> None:
    await sell(merchant)
    gateway = merchant.gateway
    (member,) = await gateway.memberships()
    other = await gateway.partner()
    counts = {}
    for name, token in (
        ("program", await gateway.token("program", program_id=merchant.program_id)),
        ("partner", await gateway.token("partner", partner_id=member["partner_id"])),
        ("stranger", await gateway.token("partner", partner_id=other["id"])),
        ("tracking", merchant.token),
    ):
        found = await report(merchant, token)
        counts[name] = (found["leads"], found["sales"], len(found["revenue"]), len(found["top"]))
    assert counts == {
        "program": (1, 2, 1, 1),
        "partner": (1, 2, 1, 1),
        "stranger": (0, 0, 0, 0),
        "tracking": (0, 0, 0, 0),
    }


async def test_conversions_are_filtered_by_their_click(merchant: Merchant) -> None:
    await sell(merchant)
    people, bots = [await report(merchant, filter=f", filter: {{isBot: {is_bot}}}") for is_bot in ("false", "true")]
    assert (people["sales"], bots["sales"], bots["conversionRate"]) == (2, 0, None)
    assert [share["sales"] for share in bots["top"]] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
async def test_the_audit_detects_wrong_bookings_and_rollups(merchant: Merchant, damage: str) -> None:
    await sell(merchant)
    await aggregate(merchant)
    store = merchant.gateway.store
    assert not (await audit(store)).differences
    async with store.write() as connection:
        await connection.execute(text(damage))
    assert (await audit(store)).differences
