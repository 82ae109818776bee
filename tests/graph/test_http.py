"""GraphQL over HTTP: methods, media types, status codes, origins, tokens, and what clients see of errors."""

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from graph.http.body import BODY_BYTES
from tests.support.graphql_endpoints import PATH, Tokens, client, served

AUDITS = Path(__file__).parents[1] / "support" / "npm" / "graphql_clients"
PLAIN, NEWER = "application/json", "application/graphql-response+json"
PAGE = "https://app.example.com"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with client(origins=[PAGE]) as http:
        yield http


async def post(http: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    """Send a body, as JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(PATH, content=content, headers={"Content-Type": PLAIN} | given)


async def ask(http: httpx.AsyncClient, query: str, accept: str = PLAIN, **variables: Any) -> httpx.Response:
    return await post(http, {"query": query, "variables": variables}, accept=accept)


def errors_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return an answer's errors, having checked that it is one of GraphQL."""
    body = answer.json()
    assert set(body) <= {"data", "errors", "extensions"}
    errors: list[dict[str, Any]] = body["errors"]
    return errors


def codes_of(answer: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in errors_of(answer)}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="the audits run on Node")
async def test_every_audit_of_graphql_over_http_passes(tmp_path: Path) -> None:
    for file in AUDITS.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)

    async def run(*command: str) -> tuple[int | None, bytes]:
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
        printed, _ = await process.communicate()
        return process.returncode, printed

    status, printed = await run("npm", "ci", "--no-audit", "--no-fund", "--silent")
    assert status == 0, printed
    async with served() as address:
        status, printed = await run("node", "audit.mjs", f"http://{address}")
    found = json.loads(printed)
    assert found["failed"] == []
    assert found["audits"] > 50
    assert status == 0


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


async def test_a_query_is_accepted_by_get_with_variables(http: httpx.AsyncClient) -> None:
    query = "query a { id } query b($n: Int) { echo(number: $n) }"
    parameters = {"query": query, "variables": '{"n": 7}', "operationName": "b", "extensions": "{}"}
    answer = await http.get(PATH, params=parameters)
    assert answer.json()["data"] == {"echo": "7 "}


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": "{ id }", "variables": "{"},
        {"query": "{ id }", "variables": "[]"},
        {"query": "{ id }", "variables": '"\\ud800"'},
        {"query": "{ id }", "extensions": "7"},
    ],
)
async def test_a_malformed_query_string_is_refused(http: httpx.AsyncClient, parameters: Mapping[str, str]) -> None:
    answer = await http.get(PATH, params=parameters)
    assert (answer.status_code, codes_of(answer)) == (400, {"BAD_USER_INPUT"})


@pytest.mark.parametrize("accept", [PLAIN, NEWER])
async def test_a_persisted_query_hash_makes_clients_send_the_query(http: httpx.AsyncClient, accept: str) -> None:
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    refusal = [{"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}]
    for body in (
        {"extensions": extensions},
        {"query": None, "operationName": "a", "variables": {}, "extensions": extensions},
        {"query": "", "extensions": extensions},
    ):
        answer = await post(http, body, accept=accept)
        assert answer.status_code == (200 if accept == PLAIN else 400)
        assert answer.json() == {"errors": refusal}
    answer = await http.get(PATH, params={"extensions": json.dumps(extensions)}, headers={"Accept": accept})
    assert answer.json() == {"errors": refusal}
    answer = await post(http, {"query": "{ id }", "extensions": extensions}, accept=accept)
    assert answer.json()["data"] == {"id": "1"}


@pytest.mark.parametrize("query", ["mutation { change }", "subscription { count(to: 1) }", "mutation { nothing }"])
@pytest.mark.parametrize("accept", [PLAIN, NEWER])
async def test_only_queries_are_executed_by_get(http: httpx.AsyncClient, query: str, accept: str) -> None:
    answer = await http.get(PATH, params={"query": query}, headers={"Accept": accept})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert "data" not in answer.json()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_refused(http: httpx.AsyncClient, method: str) -> None:
    answer = await http.request(method, PATH, json={"query": "{ id }"})
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, POST, OPTIONS"


async def test_a_mutation_is_accepted_by_post(http: httpx.AsyncClient) -> None:
    assert (await ask(http, "mutation { change }")).json()["data"] == {"change": "changed"}


async def test_a_response_contains_its_cost(http: httpx.AsyncClient) -> None:
    answer = await ask(http, "{ item { id } }")
    assert answer.json()["extensions"] == {"cost": {"requested": 1, "maximum": 10_000}}


@pytest.mark.parametrize("origin", [PAGE, "HTTPS://App.Example.com:443"])
async def test_a_page_of_an_allowed_origin_may_send_requests(http: httpx.AsyncClient, origin: str) -> None:
    preflight = await http.options(PATH, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    assert preflight.content == b""
    assert {"Authorization", "Content-Type"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
    for answer in (
        preflight,
        await post(http, {"query": "{ id }"}, Origin=origin),
        await post(http, b"{", Origin=origin),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]


ASKED = "apollo-require-preflight, authorization, content-type, traceparent,x-apollo-operation-name, baggage"


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (ASKED, ASKED),
        ("x-anything", "x-anything"),
        (None, "Authorization, Content-Type"),
        ("", "Authorization, Content-Type"),
        ("x y", "Authorization, Content-Type"),
        ("x, , y", "Authorization, Content-Type"),
        (",".join(["x-header"] * 1000), "Authorization, Content-Type"),
    ],
)
async def test_a_page_may_send_any_headers(http: httpx.AsyncClient, asked: str | None, allowed: str) -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    preflight = await http.options(PATH, headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == allowed
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Request-Headers" in preflight.headers["Vary"]


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("deflate, x-gzip", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("identity;q=0, *;q=1", True),
        (None, False),
        ("", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=0.5, identity", False),
        ("notgzip", False),
    ],
)
async def test_a_large_response_is_compressed_for_clients_that_accept_it(
    http: httpx.AsyncClient, accepted: str | None, is_compressed: bool
) -> None:
    # httpx sends one of its own otherwise.
    http.headers.pop("Accept-Encoding")
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    for length in (1, 2000, 40_000):
        text = "x" * length
        answer = await post(
            http, {"query": "query ($t: String!) { echo(text: $t) }", "variables": {"t": text}}, **headers
        )
        assert answer.headers.get("Content-Encoding") == ("gzip" if is_compressed and length > 1024 else None)
        assert {"Accept", "Accept-Encoding", "Origin"} <= set(answer.headers["Vary"].split(", "))
        assert answer.json()["data"] == {"echo": f"None {text}"}
        assert is_compressed is (int(answer.headers["Content-Length"]) < length) or length == 1


async def test_a_response_of_several_megabytes_is_compressed_off_the_event_loop(http: httpx.AsyncClient) -> None:
    query = "{" + "".join(f"a{i}: echo(text: $t) " for i in range(60)) + "}"
    body = {"query": f"query ($t: String!) {query}", "variables": {"t": "x" * 50_000}}
    answer = await post(http, body, Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["data"]) == 60
    assert int(answer.headers["Content-Length"]) < len(answer.content) / 100


@pytest.mark.parametrize("origin", ["https://other.example.com", "null", f"{PAGE}.evil.com", "http://app.example.com"])
async def test_a_page_of_any_other_origin_may_not_send_requests(http: httpx.AsyncClient, origin: str) -> None:
    for answer in (
        await http.options(PATH, headers={"Origin": origin}),
        await post(http, {"query": "{ id }"}, Origin=origin),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_origin_is_allowed_by_default_and_any_where_all_are() -> None:
    async with client() as http:
        assert "Access-Control-Allow-Origin" not in (await http.options(PATH, headers={"Origin": PAGE})).headers
    async with client(origins=["*"]) as http:
        assert (await http.options(PATH, headers={"Origin": PAGE})).headers["Access-Control-Allow-Origin"] == PAGE


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


async def test_a_browser_gets_the_page_if_there_is_one() -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with client(page=PlainTextResponse("a page")) as http:
        assert (await http.get(PATH, headers=browser)).text == "a page"
        assert (await http.get(PATH, headers=browser, params={"query": "{ id }"})).json()["data"] == {"id": "1"}
        assert (await http.get(PATH, headers={"Accept": PLAIN})).status_code == 400
    async with client() as http:
        assert (await http.get(PATH, headers=browser)).status_code == 400
