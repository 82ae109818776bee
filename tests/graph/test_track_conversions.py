"""What the mutations for leads, sales and refunds do differently from REST; `tests/rest` tests all that is the same."""

import json
from typing import Any

import pytest

from db.schema.conversions import Sale
from graph.query.global_ids import encode_id
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.merchants import Merchant, make_merchant

SALE = """mutation ($input: TrackSaleInput!) { trackSale(input: $input) {
  __typename
  ... on TrackedSale { success saleId commissionId }
  ... on DuplicateSale { success message saleId commissionId }
  ... on RefusedConversion { success message code }
} }"""
LEAD = """mutation ($input: TrackLeadInput!) { trackLead(input: $input) {
  __typename ... on TrackedLead { leadId isKnown isProvisional } ... on RefusedConversion { message code }
} }"""
REFUND = """mutation ($input: TrackRefundInput!) { trackRefund(input: $input) {
  __typename ... on TrackedRefund { success status commissionId deduction { amount currency formatted } }
} }"""


async def outcome(merchant: Merchant, document: str, **input: Any) -> dict[str, Any]:
    answer = await merchant.gateway.graphql(document, {"input": input}, token=merchant.token)
    assert "errors" not in answer, answer
    (found,) = answer["data"].values()
    assert isinstance(found, dict)
    return found


async def refused(merchant: Merchant, document: str, token: str | None, **input: Any) -> tuple[str, str]:
    (error,) = (await merchant.gateway.graphql(document, {"input": input}, token=token))["errors"]
    return error["extensions"]["code"], error["message"]


@pytest.mark.slow
async def test_a_sale_is_recorded_once_and_found_by_its_ids(merchant: Merchant) -> None:
    await merchant.rule()
    click_id, token = await merchant.visitor(), await merchant.gateway.token()
    input = {
        "transactionId": "txn",
        "amountCents": 9999,
        "currency": "eur",
        "clickId": click_id,
        "saleType": "SUBSCRIPTION",
        "subscriptionInterval": "ANNUAL",
        "lineItems": [{"name": "A book"}],
        "additionalData": {"coupon": "SPRING"},
    }
    first = await outcome(merchant, SALE, **input)
    assert first["__typename"] == "TrackedSale"
    again = await outcome(merchant, SALE, **input)
    assert again.pop("message") == "Duplicate transactionId. This sale has already been recorded."
    assert again == {**first, "__typename": "DuplicateSale", "success": False}
    query = """query ($sale: ID!) {
      node(id: $sale) { ... on Sale {
        transactionId amount { formatted } saleType subscriptionInterval lineItems additionalData
        commission { databaseId amount { formatted } status rule { basisPoints } }
      } }
    }"""
    id = encode_id("Sale", merchant.program_id, first["saleId"])
    found = (await merchant.gateway.graphql(query, {"sale": id}, token=token))["data"]["node"]
    assert found == {
        **{name: input[name] for name in ("transactionId", "saleType", "subscriptionInterval")},
        **{name: input[name] for name in ("lineItems", "additionalData")},
        "amount": {"formatted": "99.99 EUR"},
        "commission": {
            "databaseId": first["commissionId"],
            "amount": {"formatted": "25.00 EUR"},
            "status": "PENDING",
            "rule": {"basisPoints": 2500},
        },
    }


@pytest.mark.parametrize("amount", [100.0, 1e3, 1.5, True, "100"])
async def test_an_amount_is_an_integer_as_it_is_written(merchant: Merchant, amount: Any) -> None:
    input = {"transactionId": "txn", "amountCents": amount, "clickId": await merchant.visitor()}
    assert (await refused(merchant, SALE, merchant.token, **input))[0] == "BAD_USER_INPUT"
    literal = SALE.replace("($input: TrackSaleInput!)", "").replace(
        "$input", f'{{transactionId: "txn", amountCents: {json.dumps(amount)}}}'
    )
    (error,) = (await merchant.gateway.graphql(literal, token=merchant.token))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert await merchant.gateway.rows(Sale) == []


@pytest.mark.slow
async def test_the_sums_follow_sales_and_refunds(merchant: Merchant) -> None:
    await merchant.rule(hold_days=0)
    click_id, token = await merchant.visitor(), await merchant.gateway.token()
    lead = await outcome(merchant, LEAD, clickId=click_id, customerKey="user_1", email="alice@example.com")
    assert (lead["isKnown"], lead["isProvisional"]) == (False, False)
    sold = await outcome(merchant, SALE, transactionId="txn", amountCents=10_000, customerKey="user_1")
    refund = await outcome(merchant, REFUND, transactionId="txn", refundAmountCents=1000)
    assert refund == {
        "__typename": "TrackedRefund",
        "success": True,
        "status": "REFUNDED",
        "commissionId": sold["commissionId"],
        "deduction": {"amount": 250, "currency": "USD", "formatted": "2.50 USD"},
    }
    query = """{
      partnerPrograms(first: 2) { nodes {
        leadCount saleCount revenue { amount } earnings { amount } balance { amount }
        leads { totalCount } sales { nodes { refunded { amount } refunds { nodes { clawback { amount } } } } }
      } }
      customers(first: 2) { nodes { customerStatus customerKey emailMask revenue { formatted } leadAt convertedAt } }
    }"""
    answer = await merchant.gateway.graphql(query, token=token)
    assert "errors" not in answer, answer
    data = answer["data"]
    assert data["partnerPrograms"]["nodes"] == [
        {
            "leadCount": 1,
            "saleCount": 1,
            "revenue": [{"amount": 9000}],
            "earnings": [{"amount": 2250}],
            "balance": [{"amount": 2250}],
            "leads": {"totalCount": 1},
            "sales": {"nodes": [{"refunded": {"amount": 1000}, "refunds": {"nodes": [{"clawback": {"amount": 250}}]}}]},
        }
    ]
    (customer,) = data["customers"]["nodes"]
    assert customer.pop("leadAt")
    assert customer.pop("convertedAt")
    assert customer == {
        "customerStatus": "conversion",
        "customerKey": "user_1",
        "emailMask": "a***@example.com",
        "revenue": [{"formatted": "90.00 USD"}],
    }


async def test_a_field_of_the_wrong_type_is_refused_by_its_type_or_named(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    usual: dict[str, Any] = {"transactionId": "txn", "amountCents": 1, "clickId": click_id}
    wrong: list[tuple[str, Any]] = [
        ("transactionId", 5),
        ("amountCents", "1"),
        ("amountCents", 1.5),
        ("saleType", "payment"),
        ("saleType", ""),
        ("isRecurring", "yes"),
        ("occurredAt", "yesterday"),
        ("occurredAt", "2026-05-01T12:00:00"),
    ]
    for field, value in wrong:
        code, message = await refused(merchant, SALE, merchant.token, **{**usual, field: value})
        assert code == "BAD_USER_INPUT"
        assert "$input" in message
    for field, value in (
        ("lineItems", {}),
        ("lineItems", "x"),
        ("additionalData", []),
        ("occurredAt", "2999-01-01T00:00:00Z"),
    ):
        told = await outcome(merchant, SALE, **{**usual, field: value})
        assert (told["__typename"], told["code"]) == ("RefusedConversion", "field_invalid")
        assert field in told["message"]
    assert await merchant.gateway.rows(Sale) == []


@pytest.mark.parametrize("document", [SALE, REFUND, LEAD])
async def test_other_tokens_cannot_record_conversions(merchant: Merchant, document: str) -> None:
    partner = await merchant.gateway.partner()
    tokens = [await merchant.gateway.token(), await merchant.gateway.token("partner", partner_id=partner["id"])]
    for token in [*tokens, *([] if document == LEAD else [None])]:
        told = await refused(merchant, document, token)
        assert told == ("UNAUTHENTICATED", "Invalid API token")


async def test_requests_without_a_valid_token_count_against_the_rate_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/day") as gateway:
        merchant = await make_merchant(gateway)
        for _ in range(3):
            assert (await outcome(merchant, LEAD))["code"] == "customer_missing"
        assert (await refused(merchant, SALE, None))[0] == "UNAUTHENTICATED"
        anonymous = await gateway.graphql(LEAD, {"input": {}})
        assert anonymous["data"]["trackLead"]["code"] == "customer_missing"
        for document in (LEAD, SALE, REFUND):
            assert (await refused(merchant, document, None))[0] == "RATE_LIMITED"
        scraped = (await gateway.http.get("/metrics")).text
        assert 'clickgate_conversions_total{kind="lead",outcome="customer_missing"}' in scraped
