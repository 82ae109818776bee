"""The status of a program: what happened, what waits, and who may ask."""

import pytest

from tests.support.gateways import Gateway, body_of
from tests.support.merchants import STATUS, Merchant, asked, make_merchant


@pytest.fixture
async def merchant(gateway: Gateway) -> Merchant:
    """A merchant whose program has a domain."""
    made = await make_merchant(gateway, domain="shop.example")
    return Merchant(gateway, made.program_id, made.code, await gateway.token("program", program_id=made.program_id))


@pytest.mark.slow
async def test_the_status_counts_what_happened_and_what_waits(merchant: Merchant) -> None:
    await merchant.rule()
    click_id = await merchant.visitor()
    await merchant.lead(click_id=click_id)
    await merchant.sale(click_id=click_id)
    await merchant.gateway.partner({"id": merchant.program_id})
    answer = await asked(merchant, STATUS, program_id=merchant.program_id)
    assert answer.status_code == 200
    assert body_of(answer) == {
        "program_id": merchant.program_id,
        "name": "A program",
        "domain": "shop.example",
        "dns_verified": False,
        "stripe_connected": False,
        "recent_events": {"clicks_24h": 1, "leads_24h": 1, "sales_24h": 1},
        "active_partners": 2,
        "pending_commissions": 1,
    }
    assert body_of(await asked(merchant, STATUS)) == body_of(answer)
    admin = await merchant.gateway.token()
    assert body_of(await asked(merchant, STATUS, admin, program_id=merchant.program_id)) == body_of(answer)


async def test_commissions_whose_hold_is_over_do_not_wait(merchant: Merchant) -> None:
    await merchant.rule(hold_days=0)
    await merchant.sale(click_id=await merchant.visitor())
    assert body_of(await asked(merchant, STATUS))["pending_commissions"] == 0


async def test_the_status_of_another_program_is_not_told(merchant: Merchant) -> None:
    gateway = merchant.gateway
    other = await gateway.program()
    for named in (other["id"], 999, "x", "-1", "1" * 30):
        answer = await asked(merchant, STATUS, program_id=named)
        assert (answer.status_code, body_of(answer)["error"]) == (404, "Program not found")
    admin = await gateway.token()
    assert (await asked(merchant, STATUS, admin, program_id=999)).status_code == 404
    assert (await asked(merchant, STATUS, admin)).status_code == 400
    partner = await gateway.token("partner", partner_id=(await gateway.link_row())["partner_id"])
    tracking = await gateway.token("tracking", program_id=merchant.program_id)
    for token in (partner, tracking, "nobodys"):
        answer = await asked(merchant, STATUS, token, program_id=merchant.program_id)
        assert (answer.status_code, body_of(answer)["error"]) == (401, "Invalid API token")
