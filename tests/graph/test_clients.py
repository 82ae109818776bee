"""Real clients against a running gateway: gql for Python; urql, Apollo and graphql-ws for JavaScript."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.support import npm_packages as javascript
from tests.support.click_apis import GRAPHQL
from tests.support.gateways import Gateway
from tests.support.graphql_sockets import address

pytestmark = pytest.mark.slow

LINKS = "query ($first: Int) { referralLinks(first: $first) { nodes { code program { name } } } }"
CREATE = """mutation ($input: CreateProgramInput!) {
  createProgram(input: $input) { program { name cookieWindowDays } userErrors { field code } }
}"""
CLICKS = "subscription { clickTracked { pageTitle referralLink { code } } }"
SECONDS = 20
# The last of 2022, which does not know later drafts.
OLD_CORE = "graphql-core==3.2.3"
FOUND = {"referralLinks": {"nodes": [{"code": "PARTNER123", "program": {"name": "A program"}}]}}
ARRIVED = {"clickTracked": {"pageTitle": "a title", "referralLink": {"code": "PARTNER123"}}}


def created(name: str) -> dict[str, Any]:
    return {"createProgram": {"program": {"name": name, "cookieWindowDays": 7}, "userErrors": []}}


@asynccontextmanager
async def clicking(gateway: Gateway) -> AsyncIterator[None]:
    """Send clicks meanwhile: a client does not tell when its subscription has begun."""

    async def click() -> None:
        while True:
            await gateway.track(page_title="a title")
            await asyncio.sleep(0.2)

    task = asyncio.create_task(click())
    try:
        async with asyncio.timeout(SECONDS):
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_gql_introspects_queries_and_mutates_over_http(gateway: Gateway) -> None:
    await gateway.link()
    headers = {"Authorization": f"Bearer {await gateway.token()}"}
    transport = HTTPXAsyncTransport(f"{gateway.http.base_url}".rstrip("/") + GRAPHQL, headers=headers)
    async with Client(transport=transport, fetch_schema_from_transport=True) as client:
        assert await client.execute(GraphQLRequest(LINKS, variable_values={"first": 5})) == FOUND
        asked = {"input": {"name": "From gql", "cookieWindowDays": 7}}
        assert await client.execute(GraphQLRequest(CREATE, variable_values=asked)) == created("From gql")
        with pytest.raises(TransportQueryError, match="is not a valid id"):
            await client.execute(GraphQLRequest('{ node(id: "nonsense") { id } }'))


async def test_gql_queries_and_subscribes_over_a_websocket(gateway: Gateway) -> None:
    await gateway.link()
    transport = WebsocketsTransport(
        address(str(gateway.http.base_url)),
        init_payload={"Authorization": f"Bearer {await gateway.token()}"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    async with Client(transport=transport) as client:
        assert await client.execute(GraphQLRequest(LINKS, variable_values={"first": 5})) == FOUND
        async with clicking(gateway):
            async for click in client.subscribe(GraphQLRequest(CLICKS)):
                assert click == ARRIVED
                break
        asked = {"input": {"name": "From gql", "cookieWindowDays": 7}}
        assert await client.execute(GraphQLRequest(CREATE, variable_values=asked)) == created("From gql")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return javascript.installed(tmp_path_factory.mktemp("javascript"))


async def test_urql_queries_mutates_and_subscribes(gateway: Gateway, packages: Path) -> None:
    await gateway.link()
    url = str(gateway.http.base_url).rstrip("/") + GRAPHQL
    async with clicking(gateway):
        printed = await javascript.run(packages, "node", "urql.mjs", url, await gateway.token())
    refused = {"createProgram": {"program": None, "userErrors": [{"field": "name", "code": "field_invalid"}]}}
    assert without_typenames(json.loads(printed)) == {
        "query": FOUND,
        "created": created("From urql"),
        "refused": refused,
        "arrived": ARRIVED,
    }


async def test_apollo_falls_back_from_persisted_queries(gateway: Gateway, packages: Path) -> None:
    await gateway.link()
    url = str(gateway.http.base_url).rstrip("/") + GRAPHQL
    printed = await javascript.run(packages, "node", "apollo.mjs", url, await gateway.token())
    assert without_typenames(json.loads(printed)) == {
        "post": {"data": [FOUND, FOUND], "methods": [["POST", "POST"], ["POST"]]},
        "get": {"data": [FOUND, FOUND], "methods": [["GET", "POST"], ["POST"]]},
        "socket": FOUND,
    }


async def test_older_clients_read_the_schema(gateway: Gateway, packages: Path) -> None:
    url = str(gateway.http.base_url).rstrip("/") + GRAPHQL
    printed = json.loads(await javascript.run(packages, "node", "older.mjs", url))
    assert set(printed) == {"graphql-14", "graphql-16.8"}
    for sdl in printed.values():
        assert "trackClick(" in sdl
        assert "type ReferralLink implements Node" in sdl


async def test_an_older_graphql_core_reads_the_schema(gateway: Gateway, tmp_path: Path) -> None:
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path), OLD_CORE)
    subprocess.run([sys.executable, *install], check=True)

    def run(expression: str, given: str = "") -> str:
        program = f"import json, sys; sys.path.insert(0, {str(tmp_path)!r}); from graphql import *; print({expression})"
        command = [sys.executable, "-c", program]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout

    answer = await gateway.graphql(run("get_introspection_query(specified_by_url=True)"))
    sdl = run("print_schema(build_client_schema(json.load(sys.stdin)))", json.dumps(answer["data"]))
    assert "type ReferralLink implements Node" in sdl


def without_typenames(answer: Any) -> Any:
    match answer:
        case dict():
            return {name: without_typenames(value) for name, value in answer.items() if name != "__typename"}
        case list():
            return [without_typenames(item) for item in answer]
    return answer


@pytest.mark.parametrize("lock", javascript.LOCKS, ids=lambda lock: lock.parent.name)
def test_a_lock_file_contains_no_download_urls(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)
