"""Commissions: their status as time passes, approval and rejection by hand, and what links and partners earned."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import LeadEvent, Sale
from db.schema.customers import Customer
from graph.domain.money import Money
from graph.query.global_ids import encode_id
from tests.support import conversion_rows
from tests.support.admin_mutations import changed, refusal
from tests.support.conversion_rows import Shop, insert_conversions, make_shop
from tests.support.gateways import Gateway

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
STATUSES = """query ($status: CommissionStatus) {
  commissions(filter: {status: $status}, orderBy: {field: ID, direction: ASC}) { totalCount nodes { status } }
}"""


async def add(gateway: Gateway, shop: Shop, **given: Any) -> dict[str, Any]:
    """Insert a commission for a new sale."""
    sold = conversion_rows.sale(shop.customer, occurred_at=NOW)
    earned = conversion_rows.commission(sold, shop.rule_id, **given)
    await insert_conversions(gateway.store, {Sale: [sold], Commission: [earned]})
    return earned


def id_of(earned: Mapping[str, Any]) -> str:
    return encode_id("Commission", earned["program_id"], earned["id"])


@pytest.mark.slow
async def test_the_end_of_a_hold_approves_a_commission(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    given: tuple[tuple[str, dict[str, Any]], ...] = (
        ("PENDING", {"hold_until": NOW + HOUR}),
        ("APPROVED", {"hold_until": NOW - HOUR}),
        ("PENDING", {"hold_until": NOW - HOUR, "approval": "manual"}),
        ("APPROVED", {"hold_until": NOW + HOUR, "status": "approved", "approved_at": NOW}),
        ("REJECTED", {"hold_until": NOW - HOUR, "status": "rejected"}),
        ("REVERSED", {"hold_until": NOW - HOUR, "status": "reversed"}),
        ("PAID", {"hold_until": NOW - HOUR, "status": "paid", "payout_id": 1}),
    )
    for _, columns in given:
        await add(gateway, shop, **columns)
    everything = await gateway.graphql(STATUSES, token=token)
    statuses = [status for status, _ in given]
    assert [node["status"] for node in everything["data"]["commissions"]["nodes"]] == statuses
    for status in set(statuses):
        found = (await gateway.graphql(STATUSES, {"status": status}, token=token))["data"]["commissions"]
        assert found == {
            "totalCount": statuses.count(status),
            "nodes": [{"status": status}] * statuses.count(status),
        }


@pytest.mark.slow
async def test_approval_by_hand_is_for_all_or_none(gateway: Gateway) -> None:
    shop = await make_shop(gateway)
    token = await gateway.token("program", program_id=shop.program_id)
    held = await add(gateway, shop, hold_until=NOW + HOUR)
    manual = await add(gateway, shop, hold_until=NOW - HOUR, approval="manual")
    over = await add(gateway, shop, hold_until=NOW - HOUR)
    settled = [await add(gateway, shop, status=status) for status in ("rejected", "reversed")]
    settled.append(await add(gateway, shop, status="paid", payout_id=1))
    for each in settled:
        ids = [id_of(held), id_of(each)]
        assert await refusal(gateway, "approveCommissions", token, ids=ids) == ("ids", "commission_settled")
    nothing = encode_id("Commission", shop.program_id, 99_999)
    foreign = encode_id("Commission", shop.program_id + 1, held["id"])
    for ids, code in (
        ([id_of(held), nothing], "unknown_commission"),
        ([foreign], "unknown_commission"),
        ([id_of(held), foreign], "field_invalid"),
        ([], "field_invalid"),
        ([id_of(held)] * 101, "field_invalid"),
        (["garbage"], "field_invalid"),
    ):
        assert await refusal(gateway, "approveCommissions", token, ids=ids) == ("ids", code)
    assert {row["status"] for row in await gateway.rows(Commission)} == {"pending", "rejected", "reversed", "paid"}
    ids = [id_of(manual), id_of(held), id_of(over), id_of(held)]
    approved = await changed(gateway, "approveCommissions", token, ids=ids)
    assert [(each["id"], each["status"]) for each in approved["commissions"]] == [
        (id_of(each), "APPROVED") for each in (manual, held, over)
    ]
    assert [each["approvedAt"] is None for each in approved["commissions"]] == [False, False, True]
    assert await changed(gateway, "approveCommissions", token, ids=ids) == approved


@pytest.mark.slow
async def test_a_rejected_commission_is_taken_off_the_earnings(gateway: Gateway) -> None:
    shop = await make_shop(gateway)
    token = await gateway.token("program", program_id=shop.program_id)
    earned = await add(gateway, shop, amount=1000, clawed_back=300)
    paid = await add(gateway, shop, status="paid", payout_id=1)
    input = {"id": id_of(earned), "reason": " A test order "}
    rejected = await changed(gateway, "rejectCommission", token, **input)
    assert rejected["commission"]["status"] == "REJECTED"
    assert rejected["commission"]["rejectedReason"] == "A test order"
    (row,) = await gateway.rows(ConversionSum)
    assert row["earnings"] == -700
    assert await refusal(gateway, "rejectCommission", token, **input) == ("id", "commission_settled")
    assert await refusal(gateway, "rejectCommission", token, id=id_of(paid), reason="x") == ("id", "commission_settled")
    for reason in ("", " ", "x" * 256, "\0"):
        told = await refusal(gateway, "rejectCommission", token, id=id_of(earned), reason=reason)
        assert told == ("reason", "field_invalid")
    assert await gateway.rows(ConversionSum) == [row]


@pytest.mark.slow
async def test_rejection_of_several_is_for_all_or_none(gateway: Gateway) -> None:
    shop = await make_shop(gateway)
    token = await gateway.token("program", program_id=shop.program_id)
    earned = [await add(gateway, shop, amount=1000, clawed_back=number) for number in range(3)]
    paid = await add(gateway, shop, status="paid", payout_id=1)
    good = [id_of(each) for each in earned]
    foreign = encode_id("Commission", shop.program_id + 1, earned[0]["id"])
    for ids, code in (
        ([*good, id_of(paid)], "commission_settled"),
        ([*good, encode_id("Commission", shop.program_id, 99_999)], "unknown_commission"),
        ([*good, foreign], "field_invalid"),
        ([], "field_invalid"),
        ([*good] * 34, "field_invalid"),
    ):
        assert await refusal(gateway, "rejectCommissions", token, ids=ids, reason="Fraud") == ("ids", code)
    assert await refusal(gateway, "rejectCommissions", token, ids=good, reason=" ") == ("reason", "field_invalid")
    assert {row["status"] for row in await gateway.rows(Commission)} == {"pending", "paid"}
    rejected = await changed(gateway, "rejectCommissions", token, ids=[*good, good[0]], reason=" Fraud ")
    assert [(each["id"], each["status"], each["rejectedReason"]) for each in rejected["commissions"]] == [
        (id, "REJECTED", "Fraud") for id in good
    ]
    (row,) = await gateway.rows(ConversionSum)
    assert row["earnings"] == -2997


@pytest.mark.slow
async def test_sums_are_listed_by_currency(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    second = await gateway.link("SECOND", program={"id": shop.program_id}, partner={"id": shop.partner_id})
    ids = (shop.program_id, shop.partner_id)
    more = [
        conversion_rows.sums(*ids, shop.link_id, currency="JPY", revenue=1250, earnings=125),
        conversion_rows.sums(*ids, second["id"], currency="KWD", revenue=1250, earnings=-5),
        conversion_rows.sums(*ids, second["id"], currency="JPY", revenue=50, earnings=5),
        # No commission in this currency, and no sale in that one.
        conversion_rows.sums(*ids, shop.link_id, currency="CHF", revenue=700, earnings=None),
        conversion_rows.sums(*ids, shop.link_id, currency="EUR", revenue=None, earnings=70),
    ]
    await insert_conversions(gateway.store, {ConversionSum: more})
    query = """{
      partnerPrograms { nodes { again: revenue { formatted __typename } revenue { formatted } earnings { amount } } }
      referralLink(code: "SECOND") { revenue { currency amount } earnings { formatted } leadCount saleCount }
    }"""
    answer = await gateway.graphql(query, token=token)
    (member,) = answer["data"]["partnerPrograms"]["nodes"]
    texts = ["7.00 CHF", "1300 JPY", "1.250 KWD", "0.00 USD"]
    assert member["revenue"] == [{"formatted": text} for text in texts]
    assert member["again"] == [{"formatted": text, "__typename": "Money"} for text in texts]
    assert member["earnings"] == [{"amount": 70}, {"amount": 130}, {"amount": -5}, {"amount": 0}]
    assert answer["data"]["referralLink"] == {
        "revenue": [{"currency": "JPY", "amount": 50}, {"currency": "KWD", "amount": 1250}],
        "earnings": [{"formatted": "5 JPY"}, {"formatted": "-0.005 KWD"}],
        "leadCount": 0,
        "saleCount": 0,
    }


@pytest.mark.slow
async def test_a_partner_sees_its_customers_sales_but_not_who_they_are(gateway: Gateway) -> None:
    shop = await make_shop(gateway)
    await gateway.execute(update(Customer).values(customer_key="user_1", email_mask="a***@example.com"))
    sent = {"line_items": '["A book"]', "additional_data": '{"note": "hush"}'}
    sold = conversion_rows.sale(shop.customer, refunded=4000, **sent)
    signed_up = conversion_rows.lead(shop.customer, additional_data='{"note": "hush"}')
    waiting = conversion_rows.lead(shop.customer, event_name="trial", confirmed_at=None)
    await insert_conversions(gateway.store, {Sale: [sold], LeadEvent: [signed_up, waiting]})
    query = """{
      customers { nodes { customerKey emailMask revenue { formatted } } }
      sales { nodes { amount { formatted } lineItems additionalData commission { id } customer { clickId } } }
      leads(orderBy: {field: ID, direction: ASC}) { nodes { eventName isProvisional additionalData } }
    }"""
    tokens = [
        await gateway.token("program", program_id=shop.program_id),
        await gateway.token("partner", partner_id=shop.partner_id),
    ]
    shown, hidden = [(await gateway.graphql(query, token=token))["data"] for token in tokens]
    revenue = [{"formatted": "60.00 USD"}]
    customer = {"customerKey": "user_1", "emailMask": "a***@example.com", "revenue": revenue}
    assert shown["customers"]["nodes"] == [customer]
    assert hidden["customers"]["nodes"] == [{"customerKey": None, "emailMask": None, "revenue": revenue}]
    sale = {"amount": {"formatted": "100.00 USD"}, "commission": None, "customer": {"clickId": sold_to(shop)}}
    assert shown["sales"]["nodes"] == [{**sale, "lineItems": ["A book"], "additionalData": {"note": "hush"}}]
    assert hidden["sales"]["nodes"] == [{**sale, "lineItems": None, "additionalData": None}]
    leads = [{"eventName": "signup", "isProvisional": False}, {"eventName": "trial", "isProvisional": True}]
    assert shown["leads"]["nodes"] == [
        {**leads[0], "additionalData": {"note": "hush"}},
        {**leads[1], "additionalData": None},
    ]
    assert hidden["leads"]["nodes"] == [{**leads[0], "additionalData": None}]


def sold_to(shop: Shop) -> str:
    return str(shop.customer["click_id"])


def around(levels: int) -> str:
    """Return a selection around a sale, which joins eleven rows on each level and one to get to the next."""
    link = "referralLink { program { id } partner { id } }"
    level = f"program {{ id }} partner {{ id }} {link} customer {{ program {{ id }} partner {{ id }} {link} }}"
    found = level
    for number in range(1, levels):
        found = f"{level} {'commission' if (levels - number) % 2 else 'sale'} {{ {found} }}"
    return f"{{ {found} }}"


@pytest.mark.slow
async def test_a_query_with_too_many_joins_is_refused(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    await add(gateway, shop)
    allowed, refused = [
        await gateway.graphql(f"{{ sales {{ nodes {around(levels)} }} }}", token=token) for levels in (5, 6)
    ]
    assert "errors" not in allowed
    assert refused["data"] == {"sales": None}
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "TOO_COMPLEX"
    assert error["extensions"]["limit"] == {"name": "joins", "requested": 61, "maximum": 60}


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "USD", "12.50 USD"),
        (1250, "JPY", "1250 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (5, "USD", "0.05 USD"),
        (-5, "USD", "-0.05 USD"),
        (0, "USD", "0.00 USD"),
        (10**18 + 1, "EUR", "10000000000000000.01 EUR"),
    ],
)
def test_an_amount_is_shown_in_major_units(amount: int, currency: str, text: str) -> None:
    assert Money(amount, currency).formatted == text


@pytest.mark.slow
async def test_memberships_with_commissions_to_be_paid_are_found(gateway: Gateway) -> None:
    shop, token = await make_shop(gateway), await gateway.token()
    query = "query ($is: Boolean) { partnerPrograms(filter: {isOwed: $is}) { nodes { partner { databaseId } } } }"

    async def owed(is_owed: bool | None) -> list[int]:
        found = (await gateway.graphql(query, {"is": is_owed}, token=token))["data"]["partnerPrograms"]["nodes"]
        return sorted(each["partner"]["databaseId"] for each in found)

    other = (await gateway.partner({"id": shop.program_id}))["id"]
    for columns in (
        {"hold_until": NOW + HOUR},
        {"hold_until": NOW - HOUR, "approval": "manual"},
        {"hold_until": NOW - HOUR, "status": "rejected"},
        {"hold_until": NOW - HOUR, "status": "paid", "payout_id": 1},
    ):
        await add(gateway, shop, **columns)
        assert await owed(True) == []
    await add(gateway, shop, hold_until=NOW - HOUR)
    assert await owed(True) == [shop.partner_id]
    assert await owed(False) == [other]
    assert await owed(None) == sorted([shop.partner_id, other])
