"""The limits of a query: attacks are refused quickly, and honest documents pass."""

import asyncio

import pytest
from graphql import get_introspection_query

from graph.execution.documents import MOST_ERRORS, Documents
from graph.execution.limits import Limits
from tests.support.limited_queries import SCHEMA, SECONDS, run

# As graphql-js 16 and 17 write it with every option, which is what GraphiQL sends.
GRAPHIQL = """
query IntrospectionQuery {
  __schema {
    description
    queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
  name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
}
fragment TypeRef on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}
"""
WIDGET = "{ id name leaf { name } item { id name leaf { name } item { id name item { ...Small } } } }"
DASHBOARD = (
    "query ($n: Int = 10) {"
    + "".join(
        f"w{i}: pages(first: 5) {{ totalCount nodes {{ ...Card items(first: $n) {{ edges {{ cursor node {{ ...Small }}"
        f" }} }} }} }} i{i}: item {WIDGET}"
        for i in range(10)
    )
    + "} fragment Card on Item { ...Small item { ...Small } } fragment Small on Item { id name __typename }"
)


def doubling(selection: str, levels: int = 100) -> str:
    spreads = "".join(
        f"fragment f{i} on Query {{ {selection.replace('NEXT', f'...f{i + 1}')} }}" for i in range(levels)
    )
    return f"{{ ...f0 }} {spreads} fragment f{levels} on Query {{ name }}"


ATTACKS = {
    "alias overload": "{" + "".join(f"a{i}: name " for i in range(600)) + "}",
    "aliases in fragments": "{...f}" + "fragment f on Query {" + "".join(f"a{i}: name " for i in range(600)) + "}",
    "doubling fragments that overlap": doubling("item { id } NEXT NEXT " * 3),
    "doubling fragments with depth": doubling(
        "x: item { ... on Query { NEXT } } y: item { ... on Query { NEXT } }", 60
    ),
    "a circle of fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { item { id } ...a }",
    "many circles": "{ ...f0 }"
    + "".join(f"fragment f{i} on Query {{ ...f{i} ...f{i * 7 % 150} }}" for i in range(150)),
    "deep nesting": "{ item" * 60 + "{ id }" + "}" * 60,
    "nesting beyond the parser": "{ item" * 600,
    "deep inline fragments": "{" + "... on Query {" * 150 + "name" + "}" * 151,
    "deep lists": "{ echo(nested: " + "{inner: [" * 300 + "]}" * 300 + ") }",
    "directive overload": "{ name " + "@skip(if: false) " * 300 + "}",
    "unknown directives": "{ name " + "@a" * 900 + "}",
    "the same field again and again": "{" + "item { id } " * 400 + "}",
    "the same field with other arguments": "{" + "".join(f"echo(number: {i}) " for i in range(300)) + "}",
    "unknown fields": "{" + "".join(f"itme{i} " for i in range(1900)) + "}",
    "a huge list": "{ echo(nested: {inner: [" + "{number: 1}" * 3000 + "]}) }",
    "a huge page": "{ pages(first: 2147483647) { nodes { items(last: 2147483647) { nodes { id } } } } }",
    "circular introspection": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "an introspection bomb": "{ __schema {"
    + "".join(f"t{i}: types {{ f{i}: fields {{ type {{ g{i}: fields {{ name }} }} }} }}" for i in range(10))
    + "} }",
    "introspection twice": GRAPHIQL.replace("{\n  __schema", "{ __schema { types { ...FullType } } again: __schema", 1),
    "too many tokens": "{" + "name " * 5000 + "}",
    "too many comments": "#\n" * 20_000 + "{ name }",
    "one long name": "{" + "a" * 60_000 + "}",
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_fast_and_small(name: str) -> None:
    async with asyncio.timeout(SECONDS):
        data, errors, _ = await run(ATTACKS[name])
    assert data is None
    assert 1 <= len(errors) <= MOST_ERRORS
    assert {error["extensions"]["code"] for error in errors} <= {"BAD_USER_INPUT", "TOO_COMPLEX"}
    assert len(str(errors)) < 10_000


@pytest.mark.parametrize("name", ["a huge page", "introspection twice", "an introspection bomb"])
async def test_a_query_that_costs_too_much_is_refused_with_its_cost(name: str) -> None:
    _, (error,), counted = await run(ATTACKS[name])
    assert error["extensions"] == {"code": "TOO_COMPLEX", "limit": {"name": "cost", **counted}}
    assert counted["requested"] > counted["maximum"]


NESTED = "".join(f"fragment f{i} on Query {{ ...f{i + 1} }} " for i in range(101)) + "fragment f101 on Query { id }"
WIDENING = (
    "{ item { ...f0 } } "
    + "".join(f"fragment f{i} on Item {{ x: item {{ ...f{i + 1} }} y: item {{ ...f{i + 1} }} }} " for i in range(11))
    + "fragment f11 on Item { id }"
)
REFUSED = {
    "tokens": ("{" + "id " * 2000 + "}", 2001, 2000),
    "comments": ("#\n" * 2001 + "{ id }", 2001, 2000),
    "lines": ("\n" * 3001 + "{ id }", 3001, 3000),
    "nesting": ("{ echo(nested: " + "{inner: [" * 150 + "]}" * 150 + ") }", 201, 200),
    "depth": ("{ item" * 15 + "{ id }" + "}" * 15, 16, 15),
    "aliases": ("{" + "".join(f"a{i}: id " for i in range(201)) + "}", 201, 200),
    "aliasLength": ("{" + "a" * 257 + ": id }", 257, 256),
    "directives": ("{" + "id @skip(if: false) " * 101 + "}", 101, 100),
    "nestedFragments": ("{ ...f0 } " + NESTED, 102, 100),
    "validationSteps": ("{" + "item { id } " * 400 + "}", 20_001, 20_000),
    "selections": (WIDENING, 0, 10_000),
    "cost": ("{ pages(first: 10001) { nodes { id } } }", 10_002, 10_000),
    "values": ("{ pages(first: 9999) { nodes {" + "".join(f"a{i}: id " for i in range(60)) + "} } }", 599_940, 500_000),
}


@pytest.mark.parametrize("limit", REFUSED)
async def test_every_refusal_has_the_same_code_and_names_the_limit(limit: str) -> None:
    query, requested, maximum = REFUSED[limit]
    data, (error,), _ = await run(query)
    assert data is None
    assert error["extensions"]["code"] == "TOO_COMPLEX"
    told = error["extensions"]["limit"]
    assert told == {"name": limit, "requested": requested or told["requested"], "maximum": maximum}
    assert told["requested"] > maximum
    assert str(told["requested"]) in error["message"]
    assert len(str(error)) < 500


@pytest.mark.parametrize("count", [100, 200])
async def test_every_field_may_have_an_alias(count: int) -> None:
    data, errors, _ = await run("{" + "".join(f"a{i}: item {{ id }} " for i in range(count)) + "}")
    assert errors == []
    assert len(data) == count


async def test_an_error_lists_each_location_once_up_to_a_limit() -> None:
    _, (error,), _ = await run('{ fails(how: "field") ...f ...f } fragment f on Query { fails(how: "field") }')
    assert error["locations"] == [{"line": 1, "column": 3}, {"line": 1, "column": 57}]
    _, errors, _ = await run("query (" + "$a: Int " * 300 + ") { id }")
    assert max(len(error.get("locations", ())) for error in errors) == 10


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("query ($yes: Boolean = true) {\n id @include(if: $yes) }", 2),
        ("query ($yes: Boolean = true) { ... @skip(if: $yes) { id } }", 1),
        ("query ($yes: Boolean = true) {\n\n ...f @skip(if: $yes) } fragment f on Query { id }", 3),
        ("query ($yes: Boolean = true) { ...f } fragment f on Query {\n item { id @include(if: $yes) } }", 2),
        ("query ($yes: Boolean = true) { __schema { queryType {\r\n name @skip(if: $yes) } } }", 2),
        ("mutation ($yes: Boolean = true) { change @include(if: $yes) }", 1),
    ],
)
async def test_a_null_condition_is_a_client_error(query: str, line: int) -> None:
    data, (error,), _ = await run(query, yes=None)
    assert data is None
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert "$yes" in error["message"]
    assert [place["line"] for place in error["locations"]] == [line]
    for given in ({}, {"yes": True}, {"yes": False}):
        _, errors, _ = await run(query, **given)
        assert errors == []


async def test_a_null_condition_is_ignored_in_a_selection_that_is_skipped() -> None:
    query = "query ($yes: Boolean = true) { id ... @skip(if: true) { name @include(if: $yes) } }"
    assert (await run(query, yes=None))[:2] == ({"id": "1"}, [])


async def test_the_cost_of_deeply_nested_pages_is_capped() -> None:
    nested = "items(first: 2147483647) { nodes {" * 6 + "id" + "} }" * 6
    _, (error,), _ = await run(f"{{ {nested} }}")
    assert error["extensions"]["limit"]["requested"] == 1_000_000_000


@pytest.mark.parametrize(
    "query", [GRAPHIQL, get_introspection_query(specified_by_url=True, input_value_deprecation=True), DASHBOARD]
)
async def test_an_honest_query_passes(query: str) -> None:
    data, errors, _ = await run(query)
    assert not errors
    assert data


@pytest.mark.parametrize(
    ("measure", "query"),
    [
        ("depth", "{ item { item { id } } }"),
        ("depth", "{ item { ...f } } fragment f on Item { item { id } }"),
        ("depth", "{ ...g } fragment g on Query { item { ...f } } fragment f on Item { item { id } }"),
        ("depth", "{ ... { ... { id } } }"),
        ("aliases", "{ a: id b: id c: id }"),
        ("directives", "query @a { item @b { ... @c { id } } }"),
        ("directives", "query ($a: Int @a) { ...f @b } fragment f on Query @c { id }"),
    ],
)
def test_limits_are_measured_through_fragments(measure: str, query: str) -> None:
    def refusals(maximum: int) -> list[str]:
        documents = Documents(SCHEMA._schema, Limits(**{measure: maximum}))
        return [error.message for error in documents.read(query).errors if "too complex" in error.message]

    (refusal,) = refusals(2)
    assert measure in refusal
    assert "(3) exceeds the limit of 2" in refusal
    assert not refusals(3)
