"""Money from the click to the payout: what the recorder writes, the verbs change and the audit recounts agree."""

from typing import Any

import pytest

from db.audit.report import audit
from graph.query.global_ids import encode_id
from tests.support.admin_mutations import changed, refusal
from tests.support.merchants import Merchant

MEMBER = "{ partnerPrograms { nodes { id earnings { amount } balance { amount } partner { id } program { id } } } }"


async def member(merchant: Merchant) -> dict[str, Any]:
    (found,) = (await merchant.gateway.graphql(MEMBER, token=await merchant.gateway.token()))["data"][
        "partnerPrograms"
    ]["nodes"]
    assert isinstance(found, dict)
    return found


async def sums(merchant: Merchant) -> tuple[int, int]:
    """Return the partner's earnings and balance, and check that the audit finds no difference."""
    assert not (await audit(merchant.gateway.store)).differences
    found = await member(merchant)
    return sum(each["amount"] for each in found["earnings"]), sum(each["amount"] for each in found["balance"])


@pytest.mark.slow
async def test_refunds_before_and_after_rejections_and_payouts_keep_the_books_balanced(merchant: Merchant) -> None:
    await merchant.rule(hold_days=0)
    gateway, click_id, token = merchant.gateway, await merchant.visitor(), await merchant.gateway.token()
    sold = ("kept", "rejected", "refunded", "partly")
    for name in sold:
        assert (await merchant.sale(transaction_id=name, click_id=click_id)).status_code == 200
    commissions = [encode_id("Commission", row["program_id"], row["id"]) for row in await merchant.commissions()]
    assert await sums(merchant) == (10_000, 10_000)
    await merchant.refund("partly", refund_amount_cents=5000)
    await merchant.refund("rejected", refund_amount_cents=1000)
    assert await sums(merchant) == (8500, 8500)
    await changed(gateway, "rejectCommission", token, id=commissions[1], reason="A test order")
    assert await sums(merchant) == (6250, 6250)
    assert (await merchant.refund("rejected")).status_code == 200
    await merchant.refund("refunded")
    assert await sums(merchant) == (3750, 3750)
    found = await member(merchant)
    input = {"programId": found["program"]["id"], "partnerId": found["partner"]["id"], "currency": "USD"}
    paid = await changed(gateway, "recordPayout", token, **input)
    assert paid["payout"]["amount"]["formatted"] == "37.50 USD"
    assert await sums(merchant) == (3750, 0)
    await merchant.refund("kept")
    assert await sums(merchant) == (1250, -2500)
    assert {row["status"] for row in await merchant.commissions()} == {"paid", "rejected", "reversed"}
    assert await refusal(gateway, "recordPayout", token, **input) == (None, "nothing_to_pay")
    await merchant.sale(transaction_id="more", click_id=click_id, amount_cents=20_000)
    await changed(gateway, "recordPayout", token, **input)
    assert await sums(merchant) == (6250, 0)
