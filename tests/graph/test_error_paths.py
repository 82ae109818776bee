"""Error locations: an error belongs to the field with the invalid argument, however deep, and affects no other root
field."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import is_non_null_type

from tests.support.databases import KINDS, MAKERS, MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber, opened
from tests.support.schema_documents import root_fields

REPORT = 'clickReport(from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z")'
YEARS = REPORT.replace("2026-01", "2016-01")
BAD = 'referralLinks(after: "stale") { nodes { id } }'
NAME_OF_BAD = "referralLinks"

# Each with the path of its only error. «» marks where that is, and is cut out.
DOCUMENTS: dict[str, list[str | int]] = {
    '{ «programs(after: "stale") { __typename } }': ["programs"],
    '{ mine: «programs(filter: {namePrefix: "a\\u0000"}) { __typename } }': ["mine"],
    "{ programs { __typename } «partners(first: 101) { __typename } }": ["partners"],
    "{ program(databaseId: 1) { id «partners(first: 5, last: 5) { __typename } } }": ["program", "partners"],
    '{ p: program(databaseId: 1) { l: «referralLinks(after: "stale") { __typename } } }': ["p", "l"],
    '{ programs { nodes { l: «partners(filter: {partnerId: "1"}) { __typename } } } }': ["programs", "nodes", 0, "l"],
    '{ programs { edges { node { «partners(before: "") { __typename } } } } }': [
        *("programs", "edges", 0, "node", "partners")
    ],
    "{ partnerPrograms { n: nodes { p: program { «partners(last: -1) { __typename } } } } }": [
        *("partnerPrograms", "n", 0, "p", "partners")
    ],
    "{ customers { nodes { ...C } } } "
    "fragment C on Customer { referralLink { events: «clickEvents(first: 101) { __typename } } }": [
        *("customers", "nodes", 0, "referralLink", "events")
    ],
    '{ node(id: "UHJvZ3JhbTox") { ... on Program { l: «partners(after: "x") { __typename } } } }': ["node", "l"],
    "{ c: «" + REPORT.replace("-01-", "-03-") + " { clicks } }": ["c"],
    "{ «" + REPORT.replace(")", ', filter: {programIds: ["x"]})') + " { clicks } }": ["clickReport"],
    "{ " + REPORT + " { clicks pages: «top(by: PAGE, limit: 0) { value } } }": ["clickReport", "pages"],
    "{ r: " + REPORT + " { a: top(by: OS) { value } b: «top(by: OS, limit: 101) { value } } }": ["r", "b"],
    "{ " + YEARS + " { series { clicks } hours: «series(interval: HOUR) { clicks } } }": ["clickReport", "hours"],
    "query ($n: Int = 3) { " + REPORT + " { top(by: OS, limit: «$n) { value } } }": ["clickReport", "top"],
    "query ($n: ReportInterval = DAY) { r: " + REPORT + " { s: series(interval: «$n) { clicks } } }": ["r", "s"],
}


@pytest.fixture(scope="module", params=KINDS)
def shared_url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    return make()


@pytest.fixture(scope="module")
async def gateway(shared_url: str) -> AsyncIterator[Gateway]:
    async with running_gateway(shared_url) as running:
        await running.link(program=await running.program())
        yield running


async def asked(
    gateway: Gateway, document: str, **variables: Any
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    answer = await gateway.graphql(document, variables, token=await gateway.token())
    return answer.get("data"), answer.get("errors", [])


@pytest.mark.parametrize(("marked", "path"), DOCUMENTS.items())
async def test_an_error_is_located_at_the_field_with_the_invalid_argument(
    gateway: Gateway, marked: str, path: list[str | int]
) -> None:
    document, column = marked.replace("«", ""), marked.index("«") + 1
    variables = {"n": None} if "$n" in document else {}
    data, (error,) = await asked(gateway, document, **variables)
    assert error["path"] == path
    # The field is at its alias, where it has one.
    at = [place["column"] for place in error["locations"]]
    alias = len(f"{path[-1]}: ") if document[: column - 1].endswith(f"{path[-1]}: ") else 0
    assert at == [column - alias]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert data is not None
    assert data[str(path[0])] is None


async def test_an_invalid_argument_only_nulls_its_own_root_field(gateway: Gateway) -> None:
    document = f"""{{
      stale: programs(after: "stale") {{ nodes {{ id }} }}
      programs {{ nodes {{ name }} }}
      nested: program(databaseId: 1) {{ {BAD} }}
      program(databaseId: 1) {{ name }}
      none: referralLink {{ id }}
      wrong: {YEARS} {{ series(interval: HOUR) {{ clicks }} }}
      report: {REPORT} {{ clicks }}
      viewer {{ role }}
    }}"""
    data, errors = await asked(gateway, document)
    assert data is not None
    assert [name for name, value in data.items() if value is None] == ["stale", "nested", "none", "wrong"]
    assert [error["path"][0] for error in errors] == ["stale", "nested", "none", "wrong"]
    assert data["report"] == {"clicks": 0}


async def test_an_invalid_argument_under_the_viewer_does_not_null_the_viewer(gateway: Gateway) -> None:
    token = await gateway.token("program", program_id=1)
    rows = f"mine: program {{ {BAD} }} program {{ name }} partner {{ id }}"
    document = f"{{ viewer {{ role {rows} }} programs {{ totalCount }} }}"
    answer = await gateway.graphql(document, token=token)
    assert answer["data"] == {
        "viewer": {"role": "PROGRAM", "mine": None, "program": {"name": "A program"}, "partner": None},
        "programs": {"totalCount": 1},
    }
    assert [error["path"] for error in answer["errors"]] == [["viewer", "mine", NAME_OF_BAD]]
    answer = await gateway.graphql(document.replace("{ viewer", "{ __schema { __typename } viewer"), token=token)
    assert [error["path"] for error in answer["errors"]] == [["viewer", "mine", NAME_OF_BAD]]


async def test_a_mutation_with_an_invalid_selection_changes_nothing(gateway: Gateway) -> None:
    before = len(json.dumps((await asked(gateway, "{ programs { nodes { id } } }"))[0]))
    answered = f"new: program {{ {BAD} }} userErrors {{ code }}"
    document = f'mutation {{ made: createProgram(input: {{name: "New"}}) {{ {answered} }} }}'
    data, (error,) = await asked(gateway, document)
    assert data is None
    assert error["path"] == ["made", "new", NAME_OF_BAD]
    assert error["locations"] == [{"line": 1, "column": document.index(NAME_OF_BAD) + 1}]
    assert len(json.dumps((await asked(gateway, "{ programs { nodes { id } } }"))[0])) == before


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ('subscription { c: clickTracked(linkId: "x") { id } }', ["c"]),
        (
            "subscription { c: clickTracked { p: program { links: partners(first: 101) { __typename } } } }",
            [*"cp", "links"],
        ),
    ],
)
async def test_a_subscription_error_is_located_at_its_field(
    gateway: Gateway, document: str, path: list[str | int]
) -> None:
    async with opened(str(gateway.http.base_url), await gateway.token()) as ws:
        subscriber = Subscriber(ws)
        await subscriber.subscribe(document)
        (error,) = (await subscriber.receive())["payload"]["errors"]
    assert error["path"] == path
    assert error["locations"] == [{"line": 1, "column": document.index(f"{path[-1]}:") + 1}]


async def test_every_root_field_that_can_fail_by_itself_is_nullable() -> None:
    assert [name for name, field in root_fields().items() if is_non_null_type(field.type)] == ["viewer"]
