"""Exports, and the same lists as a client of GraphQL pages through them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from strawberry.utils.str_converters import to_camel_case

from graph.exports.columns import Column, has_sums
from graph.exports.export_lists import EXPORT_LISTS
from tests.support.gateways import Gateway
from tests.support.schema_documents import listed_kind, root_fields

PAGE = 7
SUMS = ("revenue", "commission")
Rows = list[dict[str, Any]]


def path_of(name: str, format: str = "ndjson") -> str:
    return f"/api/v1/export/{name}.{format}"


async def exported(
    gateway: Gateway, token: str | None, name: str, format: str = "ndjson", **given: str
) -> httpx.Response:
    """Export a list with parameters."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return await gateway.http.get(path_of(name, format), params=given, headers=headers)


def json_rows(answer: httpx.Response) -> Rows:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def csv_rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def text_of(value: Any) -> str:
    """Return a value as a CSV file has it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dict() | list():
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def flat(rows: Rows) -> list[dict[str, str]]:
    """Return rows of JSON lines as a CSV file has them, with a column for each currency and without the cursors."""
    sums = {key for row in rows for key, value in row.items() if key in SUMS and value is not None}
    currencies = sorted({each["currency"] for row in rows for key in sums for each in row[key]})
    return [
        {
            name: cell
            for key, value in row.items()
            if key != "cursor"
            for name, cell in (_amount_cells(key, value, currencies) if key in sums else {key: text_of(value)}).items()
        }
        for row in rows
    ]


def _amount_cells(key: str, amounts: Rows, currencies: Sequence[str]) -> dict[str, str]:
    found = {each["currency"]: each["amount"] for each in amounts}
    return {f"{key}_{currency.lower()}": found.get(currency, "") for currency in currencies}


class GraphQLList:
    """A list that can be exported, in GraphQL."""

    def __init__(self, name: str) -> None:
        self.columns = EXPORT_LISTS[name].columns
        self._entity = EXPORT_LISTS[name].entity
        self.kind = self._entity.name
        self.field, declared = next(
            (field, declared) for field, declared in root_fields().items() if listed_kind(declared) == self.kind
        )
        self._filter = str(declared.args["filter"].type)
        self._document = (
            f"query ($filter: {self._filter}, $after: String) {{ page: {self.field}(first: {PAGE}, filter: $filter, "
            f"after: $after) {{ edges {{ cursor node {self._selection()} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        )

    async def rows(self, gateway: Gateway, token: str, filter: Mapping[str, Any] | None = None) -> Rows | None:
        """Return all rows, with the values that an export has in its columns; None if the filter is refused."""
        found: Rows = []
        after = None
        while True:
            answer = await gateway.graphql(self._document, {"filter": filter, "after": after}, token=token)
            if "errors" in answer:
                assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}, answer
                return None
            page = answer["data"]["page"]
            found += [{**self._row(edge["node"]), "cursor": edge["cursor"]} for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def _selection(self) -> str:
        tree: dict[str, Any] = {}
        for column in self.columns:
            branch = tree
            for part in graphql_path(column):
                branch = branch.setdefault(part, {})
            if has_sums(self._entity, column):
                branch |= {"formatted": {}, "currency": {}}
        return _selected(tree)

    def _row(self, node: Any) -> dict[str, Any]:
        return {column.name: self._value(node, column) for column in self.columns}

    def _value(self, node: Any, column: Column) -> Any:
        if not has_sums(self._entity, column):
            return _value(node, column)
        amounts = node[graphql_path(column)[0]]
        return [{"amount": each["formatted"].partition(" ")[0], "currency": each["currency"]} for each in amounts]


def graphql_path(column: Column) -> Sequence[str]:
    """Return the names of GraphQL's fields that lead to a column's value."""
    return ["formatted" if part == "decimal" else to_camel_case(part) for part in column.path]


def _selected(tree: Mapping[str, Any]) -> str:
    return f"{{ {' '.join(name + (_selected(inner) if inner else '') for name, inner in tree.items())} }}"


def _value(node: Any, column: Column) -> Any:
    for part in graphql_path(column):
        node = None if node is None else node[part]
    return node.partition(" ")[0] if column.path[-1] == "decimal" and node is not None else node
