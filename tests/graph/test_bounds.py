"""The work for a document, measured in function calls, and the size of its response are bounded by its tokens."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from types import FrameType
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from gateway.configuration.settings import PREFIX, Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from graph.execution.requests import GraphQLRequest
from graph.schema.build import build_schema
from tests.support.click_apis import GRAPHQL
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, make_link
from tests.support.generated_documents import documents
from tests.support.graphql_sockets import Subscriber, opened

pytestmark = pytest.mark.slow

SCHEMA = build_schema()
ALLOWED = (OperationType.QUERY, OperationType.MUTATION)
WORD = re.compile(r"\w+|[^\s\w]")
# Parsing and validating a token takes a hundred calls or more. Fragments may turn a few tokens into thousands of
# selections, up to the limit, and each takes at most a hundred calls.
CALLS, CALLS_PER_TOKEN = 1_000_000, 500
BYTES, BYTES_PER_TOKEN = 2000, 100
SUBSCRIPTION_SECONDS = 0.02


class Calls:
    """How many functions were called in this thread."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _frame: FrameType, event: str, _argument: Any) -> None:
        if event in ("call", "c_call"):
            self.count += 1


@contextmanager
def counted() -> Iterator[Calls]:
    calls, before = Calls(), sys.getprofile()
    sys.setprofile(calls)
    try:
        yield calls
    finally:
        sys.setprofile(before)


class Endpoint:
    """The schema on a database, for a caller with a token; it runs in a loop of its own, as hypothesis has none."""

    def __init__(self, runner: asyncio.Runner, context: Context) -> None:
        self._runner = runner
        self._context = context

    def ask(self, query: str, name: str | None = None, **variables: Any) -> tuple[int, Any, list[Any]]:
        """Execute an operation; return the number of calls, the data and the errors."""
        return self._runner.run(self._ask(GraphQLRequest(query, variables, name)))

    def subscribe(self, query: str, name: str | None = None, **variables: Any) -> tuple[int, Any, list[Any]]:
        """Begin a subscription, or whatever is sent over a WebSocket, and return the same of its first answer."""
        return self._runner.run(self._subscribe(GraphQLRequest(query, variables, name)))

    async def _ask(self, request: GraphQLRequest) -> tuple[int, Any, list[Any]]:
        with counted() as calls:
            result = await SCHEMA.execute_request(request, self._context, ALLOWED)
        return calls.count, result.data, [error.formatted for error in result.errors or ()]

    async def _subscribe(self, request: GraphQLRequest) -> tuple[int, Any, list[Any]]:
        data, errors = None, []
        with counted() as calls:
            stream = await SCHEMA.stream(request.query, request.variables, self._context, None, request.operation_name)
            async with aclosing(stream):
                try:
                    async with asyncio.timeout(SUBSCRIPTION_SECONDS):
                        result: Any = await anext(aiter(stream))
                    data, errors = result.data, [error.formatted for error in result.errors or ()]
                except TimeoutError:
                    pass
        return calls.count, data, errors


@pytest.fixture(scope="module")
def endpoint(make_sqlite: MakeDatabase) -> Iterator[Endpoint]:
    url = make_sqlite()

    @asynccontextmanager
    async def context() -> AsyncIterator[Context]:
        await make_link(url)
        with patch.dict("os.environ", {f"{PREFIX}DATABASE_URL": url}):
            async with offline_services(Settings()) as services:
                yield Context(services, viewer=ADMINISTRATOR)

    with asyncio.Runner() as runner:
        opened = context()
        yield Endpoint(runner, runner.run(opened.__aenter__()))
        runner.run(opened.__aexit__(None, None, None))


@given(
    documents(), st.sampled_from(["o0", "o1", None]), st.booleans(), st.sampled_from([True, True, True, False, None])
)
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_work_for_any_document_is_bounded_by_its_tokens(
    endpoint: Endpoint, query: str, name: str | None, no: bool, yes: bool | None
) -> None:
    tokens = len(WORD.findall(query))
    for ask in (endpoint.ask, endpoint.subscribe):
        try:
            calls, _, errors = ask(query, name, no=no, yes=yes)
        except (InvalidOperationTypeError, CannotGetOperationTypeError):
            continue
        assert calls <= CALLS + CALLS_PER_TOKEN * tokens
        assert len(json.dumps(errors)) <= BYTES + BYTES_PER_TOKEN * tokens
        assert "INTERNAL" not in {error["extensions"]["code"] for error in errors}


def doubling(root: str, type_: str, leaf: str, levels: int, spread: str = "NEXT NEXT", before: str = "{") -> str:
    """Return a document of fragments that each spread the next one twice, by way of what is selected `before`."""
    selected = [spread.replace("NEXT", f"...F{level + 1}") for level in range(levels)]
    fragments = [f"fragment F{level} on {type_} {{ {inner} }}" for level, inner in enumerate([*selected, leaf])]
    return f"{root} {before} ...F0 {'}' * before.count('{')} {' '.join(fragments)}"


CLICKED = 'trackClick(input: {affiliateUrl: "https://shop.example/"})'
# What an operation's fragments are: its root, their type, the leaf, how they spread each other, and where they begin.
DOUBLED = {
    "at the root": ("query", "Query", "__typename"),
    "with a leaf that fails": ("query", "Query", 'node(id: "x") { id }'),
    "in inline fragments": ("query", "Query", "__typename", "... { NEXT } ... on Query { NEXT }"),
    "under conditions": (
        *("query($yes: Boolean = true)", "Query", "viewer { role }"),
        "NEXT @include(if: $yes) NEXT @skip(if: false) NEXT @skip(if: true)",
    ),
    "under fields": ("query", "Program", "id name", "NEXT NEXT id", "{ programs { nodes {"),
    "beside fields": ("query", "Program", "id", "partners { nodes { id } } NEXT NEXT", "{ programs { nodes {"),
    "of an interface": ("query", "Node", "id", "NEXT ... on Program { NEXT }", '{ node(id: "x") {'),
    "in introspection": ("query", "__Type", "name", "NEXT NEXT", "{ __schema { types {"),
    "in a mutation": ("mutation", "Mutation", f"{CLICKED} {{ __typename }}"),
    "in a mutation's answer": ("mutation", "TrackClickResult", "__typename", "NEXT NEXT", f"{{ {CLICKED} {{"),
    "in a subscription": ("subscription", "ClickEvent", "id", "NEXT NEXT", "{ clickTracked {"),
}


@pytest.mark.parametrize("where", DOUBLED)
def test_fragments_that_spread_each_other_twice_are_visited_once(endpoint: Endpoint, where: str) -> None:
    root, type_, leaf, *more = DOUBLED[where]
    for ask in [endpoint.subscribe] if root == "subscription" else [endpoint.ask, endpoint.subscribe]:
        ask(doubling(root, type_, leaf, 5, *more))
        fewer, most = (ask(doubling(root, type_, leaf, levels, *more))[0] for levels in (20, 40))
        assert most < 3 * fewer


def test_fragments_that_spread_each_other_twice_are_answered(endpoint: Endpoint) -> None:
    _, data, errors = endpoint.ask(doubling("query", "Query", "__typename", 30))
    assert (data, errors) == ({"__typename": "Query"}, [])
    _, data, errors = endpoint.ask(doubling("query", "Query", 'node(id: "x") { id }', 10))
    assert data == {"node": None}
    assert [len(error["locations"]) for error in errors] == [1]


LISTS = " ".join(f"{alias}: referralLinks(first: 0) {{ nodes {{ program {{ NEXT }} }} }}" for alias in "wxyz")
WRAPPED = " ".join(f"{alias}: ofType {{ NEXT }}" for alias in "wxyz")


@pytest.mark.parametrize(
    ("type_", "spread", "levels", "before"),
    [
        ("Program", LISTS, 4, "{ programs(first: 0) { nodes {"),
        ("Program", LISTS.replace("0", "1"), 4, "{ programs(first: 1) { nodes {"),
        ("__Type", WRAPPED, 8, "{ __schema { queryType {"),
    ],
)
def test_a_document_multiplied_by_fragments_is_refused_before_planning(
    endpoint: Endpoint, type_: str, spread: str, levels: int, before: str
) -> None:
    query = doubling("query", type_, "t: __typename", levels, spread, before)
    for ask in (endpoint.ask, endpoint.subscribe):
        calls, data, (error,) = ask(query)
        assert data is None
        assert error["extensions"]["code"] == "TOO_COMPLEX"
        assert calls < CALLS / 10


def test_a_hundred_aliases_of_one_field_are_answered(endpoint: Endpoint) -> None:
    count = 100
    lists = "".join(f"a{i}: referralLinks(first: 1) {{ nodes {{ id code }} }} " for i in range(count))
    rows = "".join(f"a{i}: program {{ name domain }} " for i in range(count))
    for query in ("{" + lists + "}", "{ referralLinks(first: 1) { nodes {" + rows + "} } }"):
        _, data, errors = endpoint.ask(query)
        assert errors == []
        assert len(str(data)) > 10 * count


@pytest.mark.parametrize(
    "query",
    [
        "{ programs(first: N) { nodes { id } } }",
        "{ program(databaseId: N) { id } }",
        "{ program(databaseId: 1.N) { id } }",
        "query ($n: Int = N) { programs(first: $n) { nodes { id } } }",
        'mutation { trackClick(input: {affiliateUrl: "x", additionalData: {n: N}}) { __typename } }',
    ],
)
def test_a_number_too_long_for_python_is_a_client_error(endpoint: Endpoint, query: str) -> None:
    for ask in (endpoint.ask, endpoint.subscribe):
        _, _, (error,) = ask(query.replace("N", "9" * 5000))
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
        assert len(error["message"]) < 100


@pytest.mark.parametrize(
    "query",
    [
        "query ($yes: Boolean = true) { __typename @include(if: $yes) }",
        "query ($yes: Boolean = true) { ...f @skip(if: $yes) } fragment f on Query { __typename }",
        "query ($yes: Boolean = true) { programs { nodes { ... @include(if: $yes) { id } } } }",
        "query ($yes: Boolean = true) { __schema { queryType { name @skip(if: $yes) } } }",
        f"mutation ($yes: Boolean = true) {{ {CLICKED} {{ __typename @include(if: $yes) }} }}",
        "subscription ($yes: Boolean = true) { clickTracked { id @include(if: $yes) } }",
    ],
)
async def test_a_null_condition_is_a_bad_request_over_every_transport(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    variables = {"yes": None}
    for accept, status in (("application/json", 200), ("application/graphql-response+json", 400)):
        headers = {"Accept": accept}
        posted = await gateway.http.post(GRAPHQL, json={"query": query, "variables": variables}, headers=headers)
        parameters = {"query": query, "variables": json.dumps(variables)}
        queried = await gateway.http.get(GRAPHQL, params=parameters, headers=headers)
        assert posted.status_code == status
        assert queried.status_code == (status if query.startswith("query") else 405)
        for answer in (posted, queried):
            assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_USER_INPUT"]
    async with opened(str(gateway.http.base_url), None) as ws:
        subscriber = Subscriber(ws)
        await subscriber.subscribe(query, **variables)
        message = await subscriber.receive()
        assert message["type"] == "error"
        assert [error["extensions"]["code"] for error in message["payload"]] == ["BAD_USER_INPUT"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
