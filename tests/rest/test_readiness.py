"""The readiness of a program: each gate, each state, and who may ask."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import to_builtins
from sqlalchemy import update

from db.schema.commissions import CommissionRule
from db.schema.conversions import Sale
from db.schema.integrations import TestChain as StoredChain
from db.schema.programs import Program
from rest.integrations import ReadinessEndpoint
from tests.support.gateways import Gateway, body_of
from tests.support.merchants import READINESS, STATUS, Merchant, asked, make_merchant

TRACKER = "/js/affitor-tracker.js"
DAY = timedelta(days=1)


@pytest.fixture
async def merchant(gateway: Gateway) -> Merchant:
    """A merchant whose program has a domain."""
    made = await make_merchant(gateway, domain="shop.example")
    return Merchant(gateway, made.program_id, made.code, await gateway.token("program", program_id=made.program_id))


async def readiness(merchant: Merchant) -> dict[str, Any]:
    answer = await asked(merchant)
    assert answer.status_code == 200
    found: dict[str, Any] = body_of(answer)
    return found


async def run_chain(merchant: Merchant) -> bool:
    headers = {"Authorization": f"Bearer {merchant.token}"}
    answer = await merchant.gateway.http.post("/api/v1/cli/test-event", json={"type": "chain"}, headers=headers)
    return bool(body_of(answer)["data"]["attributed"])


async def stage(merchant: Merchant) -> tuple[str, bool, str | None]:
    found = await readiness(merchant)
    return found["state"], found["integration_verified"], found["blocker"]


async def test_a_new_program_fails_at_each_gate_but_payouts(merchant: Merchant) -> None:
    await merchant.gateway.execute(update(Program).values(domain=None))
    found = await readiness(merchant)
    issued_at = datetime.fromisoformat(found.pop("key_rotated_at"))
    assert timedelta(0) < datetime.now(UTC) - issued_at < timedelta(minutes=1)
    assert found == {
        "program_id": merchant.program_id,
        "state": "draft",
        "integration_verified": False,
        "blocker": "profile",
        "gates": {
            "profile": {"status": "fail", "next_action": "complete_program_profile"},
            "economics": {"status": "fail", "next_action": "set_commission_policy"},
            "payout": {"status": "pass", "mode": "manual"},
            "tracking": {"status": "fail", "next_action": "install_tracker_or_send_events"},
            "live": {"status": "fail", "next_action": "run_synthetic_sale_chain"},
        },
        "last_event_at": {"click": None, "lead": None, "sale": None},
        "counts_24h": {"clicks": 0, "leads": 0, "sales": 0},
        "poll": {"retry_after_seconds": 5},
    }
    assert list(found["gates"]) == ["profile", "economics", "payout", "tracking", "live"]


@pytest.mark.slow
async def test_a_program_is_verified_step_by_step(merchant: Merchant) -> None:
    assert await stage(merchant) == ("configuring", False, "economics")
    await merchant.rule()
    assert await stage(merchant) == ("configuring", False, "tracking")
    click_id = await merchant.visitor()
    assert await stage(merchant) == ("ready", False, "live")
    assert await run_chain(merchant)
    assert await stage(merchant) == ("integration_verified", True, None)
    assert (await merchant.sale(click_id=click_id)).status_code == 200
    assert await stage(merchant) == ("live_verified", True, None)
    found = await readiness(merchant)
    assert all(gate["status"] == "pass" for gate in found["gates"].values())
    assert found["counts_24h"] == {"clicks": 1, "leads": 0, "sales": 1}
    assert found["last_event_at"]["lead"] is None
    for kind in ("click", "sale"):
        assert datetime.now(UTC) - datetime.fromisoformat(found["last_event_at"][kind]) < timedelta(minutes=1)


@pytest.mark.slow
async def test_a_chain_proves_nothing_about_a_newer_token(merchant: Merchant) -> None:
    await merchant.rule()
    await merchant.visitor()
    assert await run_chain(merchant)
    before = await readiness(merchant)
    assert before["gates"]["live"] == {"status": "pass"}
    await merchant.gateway.token("program", program_id=merchant.program_id)
    after = await readiness(merchant)
    assert after["key_rotated_at"] > before["key_rotated_at"]
    assert (after["state"], after["blocker"]) == ("ready", "live")
    assert await run_chain(merchant)
    assert await stage(merchant) == ("integration_verified", True, None)


async def test_another_programs_token_and_partners_tokens_are_no_new_key(merchant: Merchant) -> None:
    gateway = merchant.gateway
    before = await readiness(merchant)
    await gateway.token()
    await gateway.token("program", program_id=(await gateway.program())["id"])
    partner_id = (await gateway.link_row())["partner_id"]
    await gateway.token("partner", partner_id=partner_id, program_id=merchant.program_id)
    assert (await readiness(merchant))["key_rotated_at"] == before["key_rotated_at"]


async def test_a_chain_that_failed_verifies_nothing(merchant: Merchant) -> None:
    assert not await run_chain(merchant)
    await merchant.rule()
    await merchant.visitor()
    assert await stage(merchant) == ("ready", False, "live")


async def test_a_passed_chain_is_remembered_while_later_ones_fail(merchant: Merchant) -> None:
    await merchant.rule()
    await merchant.visitor()
    assert await run_chain(merchant)
    await merchant.gateway.execute(update(CommissionRule).values(effective_to=datetime.now(UTC)))
    assert not await run_chain(merchant)
    assert len(await merchant.gateway.rows(StoredChain)) == 2
    found = await readiness(merchant)
    assert (found["gates"]["live"], found["blocker"]) == ({"status": "pass"}, "economics")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({}, "pass"),
        ({"event": "lead", "kind": "fixed", "basis_points": None, "amount": 5, "currency": "USD"}, "pass"),
        ({"effective_from": datetime(2200, 1, 1, tzinfo=UTC)}, "fail"),
        ({"effective_to": datetime(2021, 1, 1, tzinfo=UTC)}, "fail"),
        ({"effective_to": datetime(2200, 1, 1, tzinfo=UTC)}, "pass"),
    ],
)
async def test_a_rule_has_to_be_in_force(merchant: Merchant, rule: dict[str, Any], status: str) -> None:
    await merchant.rule(**rule)
    assert (await readiness(merchant))["gates"]["economics"]["status"] == status


@pytest.mark.slow
async def test_clicks_prove_tracking_for_seven_days_and_sales_the_integration_for_thirty(merchant: Merchant) -> None:
    await merchant.rule()
    click_id = await merchant.visitor()
    assert (await readiness(merchant))["gates"]["tracking"] == {"status": "pass", "detail": "receiving_events"}
    await merchant.sale(click_id=click_id)
    assert (await readiness(merchant))["state"] == "live_verified"
    await merchant.gateway.execute(update(Sale).values(occurred_at=datetime.now(UTC) - 30 * DAY))
    found = await readiness(merchant)
    assert (found["state"], found["counts_24h"]) == ("ready", {"clicks": 1, "leads": 0, "sales": 0})
    await merchant.age(click_id, 7)
    found = await readiness(merchant)
    assert (found["state"], found["blocker"]) == ("configuring", "tracking")


@pytest.mark.slow
async def test_a_lead_counts_once_it_is_confirmed(merchant: Merchant) -> None:
    click_id = await merchant.visitor()
    await merchant.gateway.execute(update(Program).values(lead_auth="server"))
    await merchant.lead(click_id=click_id)
    found = await readiness(merchant)
    assert (found["counts_24h"]["leads"], found["last_event_at"]["lead"]) == (0, None)
    await merchant.lead(by_server=True, click_id=click_id)
    found = await readiness(merchant)
    assert found["counts_24h"]["leads"] == 1
    assert found["last_event_at"]["lead"] is not None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "is_installed"),
    [
        ({"Referer": "https://shop.example/"}, True),
        ({"Referer": "https://Shop.Example/a?b#c"}, True),
        ({"Referer": "https://www.shop.example/"}, True),
        ({"Referer": "http://shop.example:8080/"}, True),
        ({"Origin": "https://shop.example"}, True),
        ({}, False),
        ({"Referer": "https://example/"}, False),
        ({"Referer": "https://otherworkshop.example/"}, False),
        ({"Referer": "https://shop.example.evil.example/"}, False),
        ({"Origin": "null"}, False),
        ({"Referer": "shop"}, False),
        ({"Referer": "https://" + "a." * 5000 + "shop.example/"}, False),
    ],
)
async def test_a_page_of_the_domain_that_loads_the_tracker_proves_that_it_is_installed(
    merchant: Merchant, headers: dict[str, str], is_installed: bool
) -> None:
    answer = await merchant.gateway.http.get(TRACKER, headers=headers)
    gate = (await readiness(merchant))["gates"]["tracking"]
    if is_installed:
        assert answer.status_code == 200
        assert gate == {"status": "pass", "detail": "tracker_installed"}
    else:
        assert gate["status"] == "fail"


async def test_a_sighting_is_of_the_domain_that_the_program_had(merchant: Merchant) -> None:
    await merchant.gateway.http.get(TRACKER, headers={"Referer": "https://shop.example/"})
    assert (await readiness(merchant))["gates"]["tracking"]["status"] == "pass"
    await merchant.gateway.execute(update(Program).values(domain="new.example"))
    assert (await readiness(merchant))["gates"]["tracking"]["status"] == "fail"
    await merchant.gateway.http.get(TRACKER, headers={"Referer": "https://new.example/"})
    assert (await readiness(merchant))["gates"]["tracking"]["status"] == "pass"


async def test_a_token_that_may_not_ask_is_refused_in_the_clients_words(merchant: Merchant) -> None:
    gateway = merchant.gateway
    tracking = await gateway.token("tracking", program_id=merchant.program_id)
    for headers in ({}, {"Authorization": "Bearer nobodys"}, {"Authorization": f"Bearer {tracking}"}):
        answer = await gateway.http.get(READINESS, headers=headers)
        assert answer.status_code == 401
        assert body_of(answer) == {"error": {"code": "invalid_key", "message": "Invalid API token."}}
    assert (await asked(merchant, token=await gateway.token())).status_code == 401


async def test_only_get_is_allowed(merchant: Merchant) -> None:
    for path in (READINESS, STATUS):
        refused = await merchant.gateway.http.post(path)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, OPTIONS")
        preflight = await merchant.gateway.http.options(path)
        assert preflight.headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"


def test_an_unexpected_error_is_told_in_the_clients_words() -> None:
    answer = ReadinessEndpoint().failed("0123")
    assert (answer.status, answer.headers) == (500, {"Clickgate-Fault": "0123"})
    assert to_builtins(answer.body)["error"] == {
        "code": "internal_error",
        "message": "Failed to compute readiness. Retry shortly.",
        "status": 500,
        "retry_after_seconds": 10,
    }
