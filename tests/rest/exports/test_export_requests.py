"""What an export's request may ask for, how it is refused, and the headers and the form of its answer."""

import asyncio
import gzip
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from graph.exports.parameters import parameters
from graph.query.global_ids import encode_id
from rest.exports.endpoint import NAMES
from rest.exports.formats import FORMATS, FORMULA
from tests.support.databases import MakeDatabase
from tests.support.exports import csv_rows, exported, json_rows, path_of
from tests.support.gateways import Gateway, body_of
from tests.support.processes import serving

SECRET = "a-secret-of-more-than-thirty-two-characters"
RULE = Path(__file__).parents[3] / "gateway/web/src/dashboard/parts/csv.ts"


@pytest.fixture
async def token(gateway: Gateway) -> str:
    await gateway.link()
    return await gateway.token()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"programId": "x"}, "programId is not a valid id"),
        ({"programId": encode_id("Partner", 1)}, "programId must be the id of a Program"),
        ({"isBot": "yes"}, "isBot must be true or false"),
        ({"occurredFrom": "2026"}, "occurredFrom must be an RFC 3339 timestamp with a UTC offset, such as"),
        ({"clickId": "\0"}, "clickId must not contain NUL characters"),
        ({"after": "x"}, "after is not a valid cursor"),
        ({"after": "WyIxIiwxLDFd"}, "after is a cursor from a list with a different order or filter"),
        ({"isbot": "true"}, "isbot is unknown. The parameters are: programId, "),
        ({"first": "5"}, "first is unknown"),
        ({"isBot": ["true", "true"]}, "isBot is given more than once"),
        ({"after": ["x", "y"]}, "after is given more than once"),
    ],
)
async def test_a_parameter_that_makes_no_sense_is_refused(
    gateway: Gateway, token: str, given: Any, problem: str
) -> None:
    answer = await exported(gateway, token, "clicks", "csv", **given)
    assert answer.status_code == 400
    assert body_of(answer)["error"].startswith(problem)
    assert body_of(answer)["code"] == "field_invalid"


async def test_choices_are_named_if_none_fits(gateway: Gateway, token: str) -> None:
    answer = await exported(gateway, token, "links", status="active")
    assert body_of(answer)["error"] == "status must be one of: ACTIVE, INACTIVE"


async def test_a_query_string_that_is_none_is_refused(gateway: Gateway, token: str) -> None:
    for query in ("programId", "clickId=%ff", "%"):
        answer = await gateway.http.get(f"{path_of('clicks')}?{query}", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, body_of(answer)["error"]) == (400, "The query string is not valid")


async def test_an_export_needs_a_token(gateway: Gateway, token: str) -> None:
    for secret in (None, "unknown"):
        answer = await exported(gateway, secret, "clicks")
        assert (answer.status_code, body_of(answer)["code"]) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_there_is_no_other_list_and_no_other_method(gateway: Gateway, token: str) -> None:
    assert (await exported(gateway, token, "api_tokens")).status_code == 404
    assert (await exported(gateway, token, "clicks", "xml")).status_code == 404
    answer = await gateway.http.post(path_of("clicks"), headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, OPTIONS")


async def test_the_headers_of_a_file(gateway: Gateway, token: str) -> None:
    answer = await exported(gateway, token, "clicks", "csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="clicks.csv"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Content-Length" not in answer.headers
    lines = await exported(gateway, token, "clicks")
    assert lines.headers["Content-Type"] == "application/x-ndjson"
    assert lines.headers["Content-Disposition"] == 'attachment; filename="clicks.ndjson"'


async def test_an_empty_list_has_a_header_row_only(gateway: Gateway, token: str) -> None:
    answer = await exported(gateway, token, "sales", "csv")
    assert answer.text.startswith("id,database_id,")
    assert answer.text.count("\n") == 1
    assert answer.text.endswith(",cursor\r\n")
    assert not (await exported(gateway, token, "sales")).content


async def test_a_file_is_compressed_for_those_who_accept_it(gateway: Gateway, token: str) -> None:
    await gateway.track()
    headers = {"Authorization": f"Bearer {token}"}
    plain = await gateway.http.get(path_of("clicks", "csv"), headers=headers | {"Accept-Encoding": "identity"})
    async with gateway.http.stream(
        "GET", path_of("clicks", "csv"), headers=headers | {"Accept-Encoding": "gzip"}
    ) as answer:
        packed = b"".join([part async for part in answer.aiter_raw()])
    assert "Content-Encoding" not in plain.headers
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == plain.content


@pytest.mark.slow
@pytest.mark.parametrize("start", sorted(FORMULA))
async def test_text_that_a_spreadsheet_would_run_is_made_harmless(gateway: Gateway, token: str, start: str) -> None:
    title = f'{start}HYPERLINK("x", 1)'
    await gateway.track(page_title=title)
    await gateway.track(page_title="plain")
    rows = csv_rows(await exported(gateway, token, "clicks", "csv"))
    assert [row["page_title"] for row in rows] == ["plain", f"'{title}"]
    assert [row["page_title"] for row in json_rows(await exported(gateway, token, "clicks"))] == ["plain", title]


def test_the_dashboard_has_the_same_rule() -> None:
    (starts,) = re.findall(r"FORMULA = /\^\[(.*)\]/;", RULE.read_text())
    for escaped, character in {r"\-": "-", r"\t": "\t", r"\r": "\r", r"\n": "\n"}.items():
        starts = starts.replace(escaped, character)
    assert set(starts) == FORMULA


def test_cells_are_quoted_as_in_rfc_4180() -> None:
    head, encode = FORMATS["csv"].begin(["text", "number", "flag", "other"])
    assert head == b"text,number,flag,other\r\n"
    texts = ['a "b"', "a,b", "a\nb", "a\rb", "", None]
    columns: list[list[Any]] = [texts, [1, -2, None, 0, 5, 6], [True, False, *[None] * 4], [None] * 6]
    assert encode(columns) == (b'"a ""b""",1,true,\r\n"a,b",-2,false,\r\n"a\nb",,,\r\n"a\rb",0,,\r\n,5,,\r\n,6,,\r\n')
    assert encode([[], [], [], []]) == b""


@pytest.mark.slow
async def test_the_openapi_document_has_every_export_with_its_parameters(gateway: Gateway) -> None:
    paths = body_of(await gateway.http.get("/openapi.json"))["paths"]
    for name in NAMES:
        for format in FORMATS:
            operation = paths[path_of(name, format)]["get"]
            assert [each["name"] for each in operation["parameters"]] == [*parameters(name), "after"]
            assert all(
                each["description"] and (each.get("schema") or each["content"]) for each in operation["parameters"]
            )
            assert set(operation["responses"]) == {"200", "400", "401", "429", "500", "503"}
            assert operation["security"] == [{"bearerToken": []}, {"sessionCookie": []}]
    (status,) = [each for each in paths[path_of("links")]["get"]["parameters"] if each["name"] == "status"]
    assert status["schema"] == {"enum": ["ACTIVE", "INACTIVE"]}
    (where,) = [each for each in paths[path_of("clicks")]["get"]["parameters"] if each["name"] == "where"]
    schema = where["content"]["application/json"]["schema"]
    assert (schema["maxItems"], schema["items"]["properties"]["notIn"]["maxItems"]) == (20, 100)
    assert "COUNTRY" in schema["items"]["properties"]["dimension"]["enum"]


@pytest.mark.slow
@pytest.mark.parametrize("path", [path_of("links"), "/openapi.json"])
async def test_a_request_right_after_the_start_waits_for_graphql(make_sqlite: MakeDatabase, path: str) -> None:
    # In a process of its own, because here everything has been imported already.
    async with serving(make_sqlite(), admin_token=SECRET) as (_, base), httpx.AsyncClient(timeout=20) as http:
        headers = {"Authorization": f"Bearer {SECRET}"}
        answers = await asyncio.gather(*(http.get(f"{base}{path}", headers=headers) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3
