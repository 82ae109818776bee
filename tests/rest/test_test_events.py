"""The self-test endpoint: its verdicts, its limit, its refusals, and that it leaves nothing behind."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import ConversionTestEvent, LeadEvent, Refund, Sale
from db.schema.integrations import TestChain as StoredChain
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import Partner
from db.schema.tokens import ApiToken
from tests.support.captured_log import Log
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.merchants import BEGINNING, Merchant
from tests.support.unclassified_fault import unforeseen

PATH = "/api/v1/cli/test-event"
CHAIN = {"type": "chain"}


@pytest.fixture
async def token(merchant: Merchant) -> str:
    return await merchant.gateway.token("program", program_id=merchant.program_id)


async def sent(gateway: Gateway, body: Any, token: str | None) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await gateway.http.post(PATH, content=json.dumps(body), headers=headers)


async def test_a_chain_answers_with_its_verdicts(merchant: Merchant, token: str) -> None:
    await merchant.rule()
    answer = await sent(merchant.gateway, CHAIN, token)
    data = body_of(answer)["data"]
    assert answer.status_code == 200
    assert list(data) == ["type", "short_code", "customer_key", "verdict", "attributed"]
    assert data["type"] == "chain"
    assert data["short_code"].startswith(f"afftest{merchant.program_id}")
    assert data["customer_key"].startswith(f"aff_test_ck_{merchant.program_id}_")
    assert data["verdict"] == {"click": "attributed", "lead": "attributed", "sale": "attributed"}
    assert data["attributed"] is True


async def test_without_a_commission_rule_the_sale_is_unattributed(merchant: Merchant, token: str) -> None:
    data = body_of(await sent(merchant.gateway, CHAIN, token))["data"]
    assert data["verdict"] == {"click": "attributed", "lead": "attributed", "sale": "unattributed"}
    assert data["attributed"] is False


async def test_a_chain_runs_for_a_partner_where_every_rule_names_one(merchant: Merchant, token: str) -> None:
    await merchant.rule(partner_id=(await merchant.gateway.link_row())["partner_id"])
    data = body_of(await sent(merchant.gateway, CHAIN, token))["data"]
    assert (data["verdict"]["sale"], data["attributed"]) == ("attributed", True)
    (membership,) = await merchant.gateway.memberships()
    assert (membership["clicks"], membership["leads"], membership["sales"]) == (0, 0, 0)


async def test_a_chain_passes_where_leads_need_the_server(merchant: Merchant, token: str) -> None:
    await merchant.rule()
    gateway = merchant.gateway
    program = await gateway.program(lead_auth="server")
    await gateway.link("OTHER", program=program)
    await Merchant(gateway, program["id"], "OTHER", token).rule(
        event="lead", kind="fixed", basis_points=None, amount=5, currency="USD"
    )
    other = await gateway.token("program", program_id=program["id"])
    verdict = body_of(await sent(gateway, CHAIN, other))["data"]["verdict"]
    assert verdict == {"click": "attributed", "lead": "attributed", "sale": "unattributed"}


async def test_nobody_can_see_that_a_chain_has_run(merchant: Merchant, token: str) -> None:
    gateway = merchant.gateway
    await merchant.rule()
    await merchant.visitor()
    before = [await gateway.link_row(), await gateway.memberships(), await gateway.rows(OutboxRange)]
    for _ in range(3):
        assert body_of(await sent(gateway, CHAIN, token))["data"]["attributed"]
    assert [await gateway.link_row(), await gateway.memberships(), await gateway.rows(OutboxRange)] == before
    for table in (LeadEvent, Sale, Refund, Commission, ConversionSum, ConversionTestEvent):
        assert await gateway.rows(table) == []
    assert len(await gateway.rows(ReferralLink)) == len(await gateway.rows(Partner)) == 1
    assert await gateway.recorded() == len(await gateway.customers()) == 1
    assert await gateway.test_events() == []


async def test_a_click_through_a_chains_code_is_unknown(merchant: Merchant, token: str) -> None:
    code = body_of(await sent(merchant.gateway, CHAIN, token))["data"]["short_code"]
    assert body_of(await merchant.gateway.track(code))["code"] == "unknown_link"


async def test_the_eleventh_chain_within_an_hour_is_refused(merchant: Merchant, token: str) -> None:
    gateway = merchant.gateway
    other = await gateway.token("program", program_id=(await gateway.program())["id"])
    for _ in range(10):
        assert (await sent(gateway, CHAIN, token)).status_code == 200
    answer = await sent(gateway, CHAIN, token)
    error = body_of(answer)["error"]
    assert answer.status_code == error["status"] == 429
    assert error.keys() == {"status", "code", "message", "retry_after_seconds"}
    assert error["code"] == "rate_limited"
    assert 3500 < error["retry_after_seconds"] <= 3600
    assert answer.headers["Retry-After"] == str(error["retry_after_seconds"])
    assert (await sent(gateway, CHAIN, other)).status_code == 200
    assert (await sent(gateway, {"event_type": "click"}, token)).status_code == 200
    await gateway.execute(update(StoredChain).values(created_at=BEGINNING))
    assert (await sent(gateway, CHAIN, token)).status_code == 200


async def test_the_limit_holds_over_a_restart_and_for_two_gateways(database_url: str) -> None:
    async with running_gateway(database_url) as first, running_gateway(database_url) as second:
        program = await first.program()
        token = await first.token("program", program_id=program["id"])
        for gateway in (first, second) * 5:
            assert (await sent(gateway, CHAIN, token)).status_code == 200
        assert (await sent(second, CHAIN, token)).status_code == 429
    async with running_gateway(database_url) as restarted:
        assert (await sent(restarted, CHAIN, token)).status_code == 429


@pytest.mark.parametrize("event_type", ["click", "lead", "sale"])
async def test_the_older_body_records_one_test_event(merchant: Merchant, token: str, event_type: str) -> None:
    gateway = merchant.gateway
    for named in (str(merchant.program_id), merchant.program_id, None):
        answer = await sent(gateway, {"program_id": named, "event_type": event_type}, token)
        body = body_of(answer)
        assert answer.status_code == 200
        assert list(body) == ["event_type", "event_id", "received", "attributed", "message"]
        assert (body["event_type"], body["received"], body["attributed"]) == (event_type, True, False)
        assert body["message"]
    stored = await gateway.test_events() if event_type == "click" else await gateway.rows(ConversionTestEvent)
    assert [event["program_id"] for event in stored] == [merchant.program_id] * 3
    assert await gateway.recorded() == 0


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "event_type must be click, lead or sale"),
        ({"type": "", "event_type": ""}, "event_type must be click, lead or sale"),
        ({"event_type": "refund"}, "event_type must be click, lead or sale"),
        ({"event_type": 5}, "event_type has the wrong type"),
        ({"type": "click"}, "type must be chain"),
        ({"type": ["chain"]}, "type has the wrong type"),
        ({"type": "chain", "program_id": "999"}, "Program not found"),
        ({"event_type": "click", "program_id": "999"}, "Program not found"),
        ({"event_type": "click", "program_id": "one"}, "Program not found"),
        ({"event_type": "click", "program_id": {}}, "program_id has the wrong type"),
        ([], "Request body must be a JSON object"),
    ],
)
async def test_a_request_that_names_nothing_to_try_is_refused(
    merchant: Merchant, token: str, body: Any, error: str
) -> None:
    answer = await sent(merchant.gateway, body, token)
    assert (answer.status_code, body_of(answer)["error"]) == (400, error)
    assert await merchant.gateway.rows(StoredChain) == []


async def test_only_a_programs_own_token_may_try(merchant: Merchant, token: str) -> None:
    gateway = merchant.gateway
    partner = await gateway.partner()
    others = [None, "cg_nobodys", await gateway.token(), merchant.token, f"{token} x"]
    others.append(await gateway.token("partner", partner_id=partner["id"]))
    for other in others:
        answer = await sent(gateway, CHAIN, other)
        assert (answer.status_code, body_of(answer)["error"]) == (401, "Invalid API token"), other
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    await gateway.execute(update(ApiToken).values(revoked_at=ApiToken.created_at))
    assert (await sent(gateway, CHAIN, token)).status_code == 401


async def test_the_endpoint_has_the_cors_headers_and_the_limits_of_the_others(merchant: Merchant, token: str) -> None:
    http = merchant.gateway.http
    preflight = await http.options(PATH)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    refused = await http.get(PATH)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST, OPTIONS")
    headers = {"Authorization": f"Bearer {token}"}
    large = await http.post(f"{PATH}/", content=b" " * (64 * 1024 + 1), headers=headers)
    assert large.status_code == 413
    assert large.headers["Access-Control-Allow-Origin"] == "*"


async def test_guesses_of_tokens_count_against_the_rate_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/day") as gateway:
        answers = [await sent(gateway, CHAIN, "cg_nobodys") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert body_of(answers[2])["error"]["code"] == "rate_limited"


async def test_an_unexpected_error_undoes_the_chain_and_is_masked(merchant: Merchant, token: str, log: Log) -> None:
    gateway = merchant.gateway
    own = {"column": "short_code", "type_": 'varchar(64) COLLATE "C"'}
    fault = unforeseen("affiliate_test_chains", is_sqlite=gateway.store.is_sqlite, **own)
    await gateway.execute(text(fault.breaks))
    answer = await sent(gateway, CHAIN, token)
    await gateway.execute(text(fault.mends))
    assert (answer.status_code, body_of(answer)["error"]) == (500, "Test event failed")
    assert fault.word not in answer.text
    assert answer.headers["Clickgate-Fault"]
    assert fault.word in log.text
    assert len(await gateway.rows(Partner)) == 1
    assert await gateway.rows(StoredChain) == []
    assert (await sent(gateway, CHAIN, token)).status_code == 200
