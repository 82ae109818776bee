"""The credentials of conversions: which tokens are accepted, and that nothing else is looked at without one."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from db.schema.tokens import ApiToken
from tests.support.conversion_apis import PATHS
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.merchants import Merchant, make_merchant

INVALID = "Invalid API token"
UNKNOWN = "cg_" + "x" * 43
TEST = {"additional_data": {"test_mode": True}}


async def sent(gateway: Gateway, kind: str, authorization: str | None, body: object = TEST) -> httpx.Response:
    headers: Mapping[str, str] = {} if authorization is None else {"Authorization": authorization}
    return await gateway.http.post(PATHS[kind], json=body, headers=headers)


def is_refused(answer: httpx.Response) -> bool:
    body = body_of(answer)
    assert (answer.status_code, body.pop("error")) == (401, INVALID)
    assert set(body) <= {"code"}
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return True


@pytest.mark.parametrize("kind", PATHS)
async def test_a_malformed_or_unknown_token_or_one_of_another_role_is_refused(merchant: Merchant, kind: str) -> None:
    gateway = merchant.gateway
    partner = await gateway.partner()
    others = [await gateway.token(), await gateway.token("partner", partner_id=partner["id"])]
    malformed = ["", "Bearer", "Bearer =", f"Basic {merchant.token}", merchant.token, f"Bearer {merchant.token} x"]
    for authorization in (*malformed, f"Bearer {UNKNOWN}", *(f"Bearer {token}" for token in others)):
        assert is_refused(await sent(gateway, kind, authorization)), authorization


@pytest.mark.parametrize("kind", ["sale", "refund"])
async def test_without_a_token_nothing_else_is_looked_at(merchant: Merchant, kind: str) -> None:
    bodies: list[Any] = [TEST, {}, [], {"transaction_id": 5}]
    for body in bodies:
        assert is_refused(await sent(merchant.gateway, kind, None, body))
    large = await merchant.gateway.http.post(PATHS[kind], content=b" " * (64 * 1024 + 1))
    assert is_refused(large)


@pytest.mark.parametrize("kind", PATHS)
async def test_a_revoked_token_is_refused(merchant: Merchant, kind: str) -> None:
    await merchant.gateway.execute(update(ApiToken).values(revoked_at=ApiToken.created_at))
    assert is_refused(await sent(merchant.gateway, kind, f"Bearer {merchant.token}"))


@pytest.mark.parametrize("role", ["program", "tracking"])
async def test_a_programs_tokens_record_conversions_for_it(merchant: Merchant, role: str) -> None:
    token = await merchant.gateway.token(role, program_id=merchant.program_id)  # type: ignore[arg-type]
    for kind in ("lead", "sale"):
        for scheme in ("Bearer", "bearer", "BEARER  "):
            answer = await sent(merchant.gateway, kind, f"{scheme} {token}")
            assert answer.status_code == 200
            assert body_of(answer)["data"]["programId"] == merchant.program_id
    answer = await sent(merchant.gateway, "refund", f"Bearer {token}", {"transaction_id": "nobodys"})
    assert (answer.status_code, body_of(answer)["error"]) == (404, "Sale not found for transaction_id")


@pytest.mark.slow
async def test_only_requests_without_a_valid_token_count_against_the_rate_limit(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite(), rate_limit="2/day") as gateway:
        merchant = await make_merchant(gateway)
        for kind in PATHS:
            answers = [await sent(gateway, kind, f"Bearer {merchant.token}", {}) for _ in range(3)]
            assert {answer.status_code for answer in answers} == {400}
        assert is_refused(await sent(gateway, "sale", f"Bearer {UNKNOWN}"))
        assert (await sent(gateway, "lead", None, {})).status_code == 400
        for kind, authorization in (("lead", None), ("sale", None), ("refund", f"Bearer {UNKNOWN}")):
            answer = await sent(gateway, kind, authorization)
            assert answer.status_code == 429
            assert int(answer.headers["Retry-After"]) > 0
        assert (await gateway.track()).status_code == 429
        assert (await sent(gateway, "lead", f"Bearer {merchant.token}", {})).status_code == 400
