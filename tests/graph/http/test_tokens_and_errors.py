"""Tokens in requests, and what clients and the log see of errors."""

import json
import logging
from typing import Any

import httpx
import pytest

from tests.support.graphql_endpoints import PATH, Tokens, client
from tests.support.graphql_http import NEWER, ask, codes_of, errors_of, post


async def test_the_token_identifies_the_viewer(http: httpx.AsyncClient) -> None:
    roles = [(await ask(http, "{ role }")).json()["data"]["role"]]
    for scheme in ("Bearer", "bearer", "BEARER "):
        answer = await post(http, {"query": "{ role }"}, Authorization=f"{scheme} secret")
        roles.append(answer.json()["data"]["role"])
    assert roles == [None, "admin", "admin", "admin"]


@pytest.mark.parametrize(
    "authorization",
    ["Bearer unknown", "Bearer", "secret", "Basic c2VjcmV0", "Bearer secret secret", "Bearer ü"],
)
async def test_an_invalid_token_is_refused_before_execution(http: httpx.AsyncClient, authorization: str) -> None:
    for body in ({"query": "mutation { change }"}, {"query": "{"}, b"{"):
        answer = await http.post(
            PATH,
            content=body if isinstance(body, bytes) else json.dumps(body),
            headers=[(b"Content-Type", b"application/json"), (b"Authorization", authorization.encode())],
        )
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert codes_of(answer) == {"UNAUTHENTICATED"}


async def test_a_token_cannot_be_checked_while_the_database_is_unavailable(http: httpx.AsyncClient) -> None:
    answer = await post(http, {"query": "{ id }"}, Authorization="Bearer away")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert codes_of(answer) == {"UNAVAILABLE"}


@pytest.mark.parametrize(
    ("how", "extensions"),
    [
        ("field", {"code": "BAD_USER_INPUT"}),
        ("forbidden", {"code": "FORBIDDEN"}),
        ("token", {"code": "UNAUTHENTICATED"}),
        ("rate", {"code": "RATE_LIMITED", "retryAfter": 7}),
        ("away", {"code": "UNAVAILABLE", "retryAfter": 2}),
    ],
)
async def test_a_domain_error_is_reported_beside_the_other_fields(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, how: str, extensions: dict[str, Any]
) -> None:
    answer = await ask(http, "query ($how: String!) { id fails(how: $how) }", NEWER, how=how)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"id": "1", "fails": None}
    (error,) = errors_of(answer)
    assert error["path"] == ["fails"]
    assert error["message"]
    assert error["extensions"] == extensions
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("query", ['{ fails(how: "fault") }', '{ fails(how: "graphql") }', "{ breaks }"])
async def test_an_unexpected_error_is_logged_once_with_its_traceback_and_masked(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    answer = await ask(http, query, NEWER)
    assert answer.status_code == 200
    (error,) = errors_of(answer)
    assert error["message"] == "Something went wrong"
    assert error["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in answer.text
    assert "1099511627776" not in answer.text
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info is not None
    assert record.__dict__["fault"] == error["extensions"]["fault"]


async def test_a_fault_outside_a_query_is_masked_too(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Tokens):
        async def __call__(self, secret: str) -> None:
            raise RuntimeError("the password is hunter2")

    async with client(tokens=Broken()) as http:
        answer = await post(http, {"query": "{ id }"}, Authorization="Bearer secret")
    assert answer.status_code == 500
    assert codes_of(answer) == {"INTERNAL"}
    assert "hunter2" not in answer.text
    faults = [record.__dict__["fault"] for record in caplog.records if record.levelno >= logging.ERROR]
    assert faults == [errors_of(answer)[0]["extensions"]["fault"]]
