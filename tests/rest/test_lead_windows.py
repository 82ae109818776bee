"""Leads that are late or provisional: what the program's window and its trust in browsers leave of them."""

from typing import Any

from sqlalchemy import update

from db.schema.conversions import LeadEvent
from db.schema.programs import Program
from tests.support.conversion_apis import conversion_apis, error_of
from tests.support.gateways import Gateway, body_of
from tests.support.merchants import Merchant

TRACKED = {"success": True, "message": "Lead tracked successfully"}


async def leads(gateway: Gateway) -> list[dict[str, Any]]:
    return await gateway.rows(LeadEvent)


@conversion_apis
async def test_a_lead_after_the_attribution_window_records_nothing(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    await merchant.age(click_id, 75.5)
    answer = await merchant.lead(click_id=click_id)
    assert (answer.status_code, body_of(answer)) == (
        200,
        {
            "success": True,
            "attributed": False,
            "reason": "attribution_window_expired",
            "click_age_days": 75,
            "window_days": 60,
        },
    )
    assert "page_url" in error_of(await merchant.lead(click_id=click_id, page_url=5))
    assert await leads(merchant.gateway) == []
    assert (await merchant.customer(click_id))["customer_status"] == "click"


@conversion_apis
async def test_a_lead_without_a_token_is_provisional_if_the_program_wants_one(merchant: Merchant) -> None:
    await merchant.gateway.execute(update(Program).values(lead_auth="server"))
    click_id = await merchant.visitor()
    body = body_of(await merchant.lead(click_id=click_id))
    assert body["message"].startswith("Lead recorded as provisional. ")
    assert {**body, "message": ""} == {"success": True, "provisional": True, "message": ""}
    (row,) = await leads(merchant.gateway)
    assert (row["confirmed_at"], row["partner_id"]) == (None, None)
    assert (await merchant.customer(click_id))["customer_status"] == "click"
    assert (await merchant.gateway.link_row())["leads"] == 0
    assert body_of(await merchant.lead(by_server=True, click_id=click_id)) == TRACKED
    (row,) = await leads(merchant.gateway)
    assert None not in (row["confirmed_at"], row["partner_id"])
    assert (await merchant.gateway.link_row())["leads"] == 1


async def test_a_customer_can_have_a_hundred_provisional_leads(merchant: Merchant) -> None:
    await merchant.gateway.execute(update(Program).values(lead_auth="server"))
    click_id = await merchant.visitor()
    names = [{"event_name": f"event {number}"} for number in range(101)]
    answers = [await merchant.lead(click_id=click_id, additional_data=name) for name in names]
    assert {answer.status_code for answer in answers[:100]} == {200}
    assert answers[100].status_code == 400
    refusal = body_of(answers[100])
    assert (refusal["error"], refusal["code"]) == ("The customer has too many provisional leads", "too_many_leads")
    known = await merchant.lead(click_id=click_id, additional_data=names[0])
    assert body_of(known)["provisional"] is True
