"""`@include` and `@skip` whose variable is null or absent: a document is executed, or refused with a reason."""

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber, opened

pytestmark = pytest.mark.slow

# Where a selection may have a condition, given the variable's declaration and the directives.
PLACES = {
    "a scalar": "query (DECLARED) { viewer { role CONDITION } }",
    "a root field": "query (DECLARED) { __typename viewer CONDITION { role } }",
    "a typename": "query (DECLARED) { viewer { role } __typename CONDITION }",
    "an inline fragment": "query (DECLARED) { __typename ... CONDITION { viewer { role } } }",
    "a spread": "query (DECLARED) { __typename ...F CONDITION } fragment F on Query { viewer { role } }",
    "in a fragment": "query (DECLARED) { ...F } fragment F on Query { __typename viewer CONDITION { role } }",
    "in a list": "query (DECLARED) { programs { nodes { id name CONDITION } } }",
    "in introspection": "query (DECLARED) { __schema { queryType { name } types CONDITION { name } } }",
    "a mutation": 'mutation (DECLARED) { __typename trackClick(input: {affiliateUrl: "x"}) CONDITION { __typename } }',
}
REFUSED = {
    "Boolean": "used in position expecting type 'Boolean!'",
    "Boolean! = true": "must not be null",
    "Boolean = true": "is null, but @",
}
ALONE = ("@include(if: $yes)", "@skip(if: $yes)", "@include(if: $yes) @skip(if: $yes)")
# `@skip` comes first, in whatever order they are written.
SKIPPED = ("@skip(if: true) @include(if: $yes)", "@include(if: $yes) @skip(if: true)")
_ids = count(1)


@pytest.fixture
async def sqlite_gateway(make_sqlite: MakeDatabase) -> AsyncIterator[Gateway]:
    """Run a gateway for tests that do not depend on the database."""
    async with running_gateway(make_sqlite()) as running:
        yield running


async def answers(gateway: Gateway, token: str, query: str, variables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the answers over HTTP and over a WebSocket."""
    async with opened(str(gateway.http.base_url), token) as ws:
        subscriber = Subscriber(ws, str(next(_ids)))
        await subscriber.subscribe(query, **variables)
        message = await subscriber.receive()
    payload = message["payload"]
    return [
        await gateway.graphql(query, variables, token=token),
        {"errors": payload} if message["type"] == "error" else payload,
    ]


def document(place: str, declared: str, condition: str) -> str:
    return PLACES[place].replace("DECLARED", f"$yes: {declared}").replace("CONDITION", condition)


@pytest.mark.parametrize("place", PLACES)
async def test_a_condition_that_is_null_is_refused_with_a_reason(sqlite_gateway: Gateway, place: str) -> None:
    token = await sqlite_gateway.token()
    for declared, reason in REFUSED.items():
        for condition in ALONE:
            for answer in await answers(sqlite_gateway, token, document(place, declared, condition), {"yes": None}):
                (error, *_) = answer["errors"]
                assert error["extensions"]["code"] == "BAD_USER_INPUT"
                assert reason in error["message"]
    for answer in await answers(sqlite_gateway, token, document(place, "Boolean!", ALONE[0]), {}):
        assert "is required" in answer["errors"][0]["message"]


@pytest.mark.parametrize("place", PLACES)
async def test_what_is_skipped_needs_no_other_condition(sqlite_gateway: Gateway, place: str) -> None:
    token = await sqlite_gateway.token()
    for condition in SKIPPED:
        for answer in await answers(sqlite_gateway, token, document(place, "Boolean = true", condition), {"yes": None}):
            assert "errors" not in answer
            assert answer["data"]


@pytest.mark.parametrize("condition", [*ALONE, *SKIPPED])
async def test_a_subscriptions_root_field_takes_no_condition(sqlite_gateway: Gateway, condition: str) -> None:
    token = await sqlite_gateway.token()
    for declared in ("Boolean!", "Boolean = true"):
        query = f"subscription ($yes: {declared}) {{ clickTracked {condition} {{ id }} }}"
        async with opened(str(sqlite_gateway.http.base_url), token) as ws:
            subscriber = Subscriber(ws)
            await subscriber.subscribe(query, yes=None)
            (error,) = (await subscriber.receive())["payload"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "must not use `@skip` or `@include`" in error["message"]
