"""What may be sent by GET and by POST, and the audits of the specification of GraphQL over HTTP."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse

from tests.support.graphql_endpoints import PATH, client, served
from tests.support.graphql_http import NEWER, PLAIN, ask, codes_of, post

AUDITS = Path(__file__).parents[2] / "support" / "npm" / "graphql_clients"


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


async def test_a_browser_gets_the_page_if_there_is_one() -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with client(page=PlainTextResponse("a page")) as http:
        assert (await http.get(PATH, headers=browser)).text == "a page"
        assert (await http.get(PATH, headers=browser, params={"query": "{ id }"})).json()["data"] == {"id": "1"}
        assert (await http.get(PATH, headers={"Accept": PLAIN})).status_code == 400
    async with client() as http:
        assert (await http.get(PATH, headers=browser)).status_code == 400
