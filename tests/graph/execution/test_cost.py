"""How the cost of a query adds up, and how often a document is read."""

from typing import Any

import pytest

from graph.execution.documents import MOST_ERRORS, Documents
from graph.execution.limits import Limits
from tests.support.limited_queries import SCHEMA, run


async def cost(query: str, **variables: Any) -> int:
    data, errors, counted = await run(query, **variables)
    assert data is not None, errors
    assert counted["maximum"] == Limits().cost
    return counted["requested"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ id name __typename }", 0),
        ("{ item { id } }", 1),
        ("{ item { item { leaf { name } } } }", 3),
        ("{ leaf { dear } }", 51),
        ("{ ...f ...f ... { ...f } } fragment f on Query { item { id } }", 1),
        ("{ series { name } }", 10),
        ("{ items { totalCount } }", 11),
        ("{ items { nodes { id } } }", 21),
        ("{ items(first: 3) { nodes { id } } }", 4),
        ("{ items(last: 3) { nodes { leaf { name } } } }", 7),
        ("{ items(first: 3) { edges { cursor node { leaf { name } } } } }", 10),
        ("{ items(first: 3) { ... { ...c } } } fragment c on ItemConnection { nodes { id } }", 4),
        ("{ a: items(first: 3) { ...c } items { ...c } } fragment c on ItemConnection { nodes { id } }", 25),
        ("{ items(first: 3) { nodes { items(first: 4) { nodes { id } totalCount } } } }", 1 + 3 * (1 + 1 + 4 + 10)),
        ("{ items(first: -5) { nodes { id } } }", 1),
        ("{ items(first: null) { nodes { id } } }", 21),
        ("{ pages { nodes { id } } }", 6),
        ("{ pages(last: 9) { nodes { id } } }", 10),
        ("{ item @skip(if: true) { id } leaf @include(if: false) { name } }", 0),
        ("{ item @skip(if: false) @include(if: true) { id } }", 1),
        ("{ ... @include(if: false) { item { id } } ...f @skip(if: true) } fragment f on Query { leaf { name } }", 0),
        ("{ __schema { queryType { name } } }", 3),
        ("query a { item { id } }", 1),
        ("mutation { change }", 0),
    ],
)
async def test_the_cost_of_a_query_follows_from_its_response(query: str, expected: int) -> None:
    assert await cost(query) == expected


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ("$n: Int", {"n": 7}, 8),
        ("$n: Int", {"n": None}, 21),
        ("$n: Int", {}, 6),
        ("$n: Int = 9", {}, 10),
        ("$n: Int = 9", {"n": 2}, 3),
    ],
)
async def test_the_cost_of_a_page_uses_variables_and_defaults(
    declared: str, given: dict[str, Any], expected: int
) -> None:
    assert await cost(f"query ({declared}) {{ pages(first: $n) {{ nodes {{ id }} }} }}", **given) == expected


async def test_the_cost_of_a_document_depends_on_the_variables_of_each_request() -> None:
    query = "query ($no: Boolean!, $n: Int!) { items(first: $n) { nodes { item @skip(if: $no) { id } } } }"
    assert [await cost(query, no=no, n=n) for no, n in ((False, 1), (True, 1), (False, 50))] == [3, 2, 101]
    _, (error,), _ = await run(query, no=False, n=50_000)
    assert error["extensions"]["code"] == "TOO_COMPLEX"


async def test_an_operation_does_not_pay_for_others_in_its_document() -> None:
    query = "query a { id } query b { items(first: 100) { nodes { items(first: 100) { nodes { id } } } } }"
    result = await SCHEMA.execute(query, operation_name="a")
    assert result.extensions == {"cost": {"requested": 0, "maximum": Limits().cost}}
    assert not result.errors


async def test_invalid_variables_are_refused_with_a_short_message() -> None:
    declared = " ".join(f"$v{i}: Int!" for i in range(30))
    used = " ".join(f"a{i}: echo(number: $v{i})" for i in range(30))
    _, errors, _ = await run(f"query ({declared}) {{ {used} }}", v0="no")
    assert len(errors) == MOST_ERRORS
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}


def test_a_document_is_read_once_whether_valid_or_not() -> None:
    documents = Documents(SCHEMA._schema, Limits())
    for text in ("{ id }", "{ nothing }", "{"):
        assert documents.read(text) is documents.read(text)


@pytest.mark.slow
def test_the_document_cache_is_bounded_and_evicts_the_least_recently_used() -> None:
    documents = Documents(SCHEMA._schema, Limits(), cache_bytes=100_000)
    often = documents.read("{ id }")
    for number in range(1000):
        documents.read(f"{{ id }} # {number}")
        assert documents.read("{ id }") is often
        assert documents.cached_bytes <= 100_000
    first = documents.read("{ id } # 0")
    assert first is documents.read("{ id } # 0")
    documents.read("{ id } #" + "x" * 200_000)
    assert documents.cached_bytes <= 100_000
    assert documents.read("{ id } # 0") is first
