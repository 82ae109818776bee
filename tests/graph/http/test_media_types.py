"""Media types, bodies and status codes of GraphQL over HTTP."""

import json
from typing import Any

import httpx
import pytest

from graph.http.body import BODY_BYTES
from tests.support.graphql_http import NEWER, PLAIN, ask, codes_of, errors_of, post


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("application/*", PLAIN),
        (PLAIN, PLAIN),
        (NEWER, NEWER),
        (f"{NEWER}, {PLAIN}", NEWER),
        (f"{PLAIN}, {NEWER}", NEWER),
        (f"{NEWER};q=0.5, {PLAIN}", PLAIN),
        (f"{NEWER}, {PLAIN};q=0.9", NEWER),
        (f"{NEWER.upper()} ; charset=utf-8", NEWER),
        (f"{PLAIN}, */*", PLAIN),
        (f"{NEWER}, */*", NEWER),
        (f"{PLAIN};q=0, */*", NEWER),
        (f"{PLAIN};q=nonsense, {NEWER}", NEWER),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        ("text/html", None),
        ("*/*;q=0", None),
        (f"{PLAIN};q=0", None),
    ],
)
async def test_the_client_chooses_the_media_type(http: httpx.AsyncClient, accept: str, expected: str | None) -> None:
    answer = await ask(http, "{ id }", accept)
    if expected is None:
        assert answer.status_code == 406
        assert codes_of(answer) == {"BAD_USER_INPUT"}
    else:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == f"{expected}; charset=utf-8"
        assert answer.json()["data"] == {"id": "1"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "{"},
        {"query": ""},
        {"query": "{ nothing }"},
        {"query": "{ id } fragment f on Query { id }"},
        {"query": "query ($n: Int!) { echo(number: $n) }"},
        {"query": "query ($n: Int!) { echo(number: $n) }", "variables": {"n": "seven"}},
        {"query": "query a { id } query b { id }"},
        {"query": "query a { id }", "operationName": "c"},
        {"query": "query a { id }", "operationName": ""},
        {"query": "fragment f on Query { id }"},
        {"query": "type Query { id: ID }"},
        {"query": "subscription { count(to: 1) }"},
        {"query": '{ echo(text: "\0") \0 }'},
    ],
)
async def test_a_query_that_is_not_executed_has_a_4xx_status_in_the_newer_type(
    http: httpx.AsyncClient, body: Any
) -> None:
    newer, plain = await post(http, body, accept=NEWER), await post(http, body, accept=PLAIN)
    assert (newer.status_code, plain.status_code) == (400, 200)
    for answer in (newer, plain):
        assert "data" not in answer.json()
        assert codes_of(answer) == {"BAD_USER_INPUT"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", ""),
        (b"{", ""),
        (b"null", "object"),
        (b'"{ id }"', "object"),
        ([{"query": "{ id }"}], "object"),
        ([], "object"),
        ({}, "query"),
        ({"query": None}, "query"),
        ({"query": ["{ id }"]}, "query"),
        ({"query": "{ id }", "variables": []}, "variables"),
        ({"query": "{ id }", "variables": "{}"}, "variables"),
        ({"query": "{ id }", "operationName": 1}, "operationName"),
        ({"query": "{ id }", "extensions": [1]}, "extensions"),
        (b'{"query": "\xff"}', ""),
        (b'{"query": "{ id }", "variables": {"text": "\\ud800"}}', ""),
        (b'{"query": "\\udfff"}', ""),
        (b'{"query": "{ id }", "variables": {"n": NaN}}', ""),
        (b'{"query": "{ id }", "variables": {"n": ' + b"9" * 5000 + b"}}", ""),
        (b'{"query": "{ id }", "variables": {"n": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}", ""),
        (b'{"a":' * 10_000, ""),
    ],
)
async def test_a_malformed_request_is_refused_in_either_type(http: httpx.AsyncClient, body: Any, named: str) -> None:
    for accept in (PLAIN, NEWER):
        answer = await post(http, body, accept=accept)
        assert answer.status_code == 400
        (error,) = errors_of(answer)
        assert named in error["message"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}


async def test_deep_and_large_values_are_answered(http: httpx.AsyncClient) -> None:
    deep = json.loads("[" * 400 + "]" * 400)
    for value in (deep, 2**64, 1e308, "\0", "\U0001f3c3"):
        answer = await ask(http, "query ($n: Int, $text: String!) { echo(number: $n, text: $text) }", n=value, text="x")
        assert (answer.status_code, codes_of(answer)) == (200, {"BAD_USER_INPUT"})
        assert len(answer.content) < 5000
    answer = await ask(http, "query ($t: String!) { echo(text: $t) }", t="\0 \U0001f3c3")
    assert answer.json()["data"] == {"echo": "None \0 \U0001f3c3"}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/graphql", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
    + [f"{PLAIN}; charset={charset}" for charset in ("latin-1", "utf-16", "us-ascii")],
)
async def test_other_content_types_are_refused(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await post(http, {"query": "{ id }"}, Content_Type=content_type)
    assert answer.status_code == 415
    assert codes_of(answer) == {"BAD_USER_INPUT"}


@pytest.mark.parametrize("content_type", [f"{PLAIN}; charset=UTF-8", f'{PLAIN};charset="utf-8"', "Application/JSON"])
async def test_every_spelling_of_json_in_utf_8_is_accepted(http: httpx.AsyncClient, content_type: str) -> None:
    assert (await post(http, {"query": "{ id }"}, Content_Type=content_type)).status_code == 200


async def test_a_body_over_the_limit_is_refused(http: httpx.AsyncClient) -> None:
    body = b'{"query": "{ id }"' + b" " * BODY_BYTES + b"}"
    answer = await post(http, body)
    assert answer.status_code == 413
    assert codes_of(answer) == {"BAD_USER_INPUT"}
    assert (await post(http, b'{"query": "{ id }"' + b" " * (BODY_BYTES - 19) + b"}")).status_code == 200
