"""Every list in the schema, and its pages as an administrator receives them over HTTP."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLInputField, GraphQLInputObjectType, get_named_type

from graph.query.entities import ENTITIES
from graph.query.global_ids import encode_id
from tests.support.click_apis import GRAPHQL
from tests.support.gateways import Gateway
from tests.support.schema_documents import arguments, connections, listed_kind, object_type, root_fields
from tests.support.visibility_world import TABLES, Row, global_id

VARIABLES = "query ($first: Int, $after: String, $last: Int, $before: String)"
PAGING = {name: f"${name}" for name in ("first", "after", "last", "before")}
PAGE_OF = """{
  totalCount nodes { id } edges { cursor node { id } }
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}"""
ORDER = re.compile(r"{field: (\w+), direction: (\w+)}")


@dataclass(frozen=True, slots=True)
class List:
    """A list in the schema: at the root, or in the first row of a type."""

    name: str
    field: GraphQLField
    parent: str | None = None

    @property
    def kind(self) -> str:
        kind = listed_kind(self.field)
        assert kind is not None
        return kind

    @property
    def filter_parts(self) -> dict[str, GraphQLInputField]:
        inputs = get_named_type(self.field.args["filter"].type)
        assert isinstance(inputs, GraphQLInputObjectType)
        return dict(inputs.fields)

    def __str__(self) -> str:
        return f"{self.parent}.{self.name}" if self.parent else self.name

    def document(self, selection: str = PAGE_OF, **given: str) -> str:
        """Return the query for a page, with its size and bounds as variables."""
        return f"{VARIABLES} {{ {self._asked({**PAGING, **given}, selection)} }}"

    def in_filter(self, part: str) -> str:
        """Return the list with one part of its filter, whose value is a variable."""
        return self._asked({"filter": f"{{{part}: $value}}"}, "{ nodes { id } }")

    def filters(self, type_name: str) -> list[str]:
        """Return the parts of the list's filter that accept a type."""
        return [name for name, part in self.filter_parts.items() if get_named_type(part.type).name == type_name]

    def _asked(self, given: dict[str, str], selection: str) -> str:
        asked = f"{self.name}{arguments(given)} {selection}"
        if self.parent is None:
            return asked
        id = encode_id(self.parent, *[1] * len(ENTITIES[self.parent].key))
        return f'node(id: "{id}") {{ ... on {self.parent} {{ {asked} }} }}'


def lists() -> Iterator[List]:
    """Yield every list in the schema."""
    for name, field in root_fields().items():
        if (kind := listed_kind(field)) is not None:
            yield List(name, field)
            type_ = object_type(kind)
            yield from (List(inner, type_.fields[inner], kind) for inner in connections(type_))


Lists = list[List]
LISTS: Lists = list(lists())
# Two lists, one of them inside a row, stand for all the others in the fast tests.
FEW = [each for each in LISTS if str(each) in ("clickEvents", "Program.sales")]
OTHERS = [each for each in LISTS if each not in FEW]
few_and_other_lists = pytest.mark.parametrize(
    "lists", [pytest.param(FEW, id="few"), pytest.param(OTHERS, id="others", marks=pytest.mark.slow)]
)


class Pages:
    """A gateway with a crowd, asked as an administrator."""

    def __init__(self, gateway: Gateway, token: str, rows: dict[str, list[Row]]) -> None:
        self._gateway = gateway
        self._token = token
        self._rows = rows

    async def page(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return a page, which must exist."""
        answer = await self.answer(document, **variables)
        assert "errors" not in answer, (document, variables, answer["errors"])
        (found,) = answer["data"].values()
        if "nodes" not in found:
            (found,) = found.values()
        assert [edge["node"] for edge in found["edges"]] == found["nodes"]
        cursors = [edge["cursor"] for edge in found["edges"]]
        start, end = (cursors[0], cursors[-1]) if cursors else (variables.get("before"), variables.get("after"))
        assert (found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"]) == (start, end)
        page: dict[str, Any] = found
        return page

    async def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return any response. The request is text, because a client may send what encoders refuse to produce."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        body = json.dumps({"query": document, "variables": variables})
        answer: dict[str, Any] = (await self._gateway.http.post(GRAPHQL, content=body, headers=headers)).json()
        return answer

    async def refusals(self, document: str, **variables: Any) -> set[str]:
        """Return the codes of a response's errors."""
        return {error["extensions"]["code"] for error in (await self.answer(document, **variables)).get("errors", ())}

    def sorted_ids(self, kind: str, order: str) -> list[str]:
        """Return a type's global ids in the order in which Python sorts its rows, with NULLs first."""
        ((column, direction),) = ORDER.findall(order)
        key = [part.name for part in TABLES[kind].__table__.primary_key]
        # A membership has its partner's name.
        is_of_partner = (kind, column) == ("PartnerProgram", "NAME")
        names = {partner["id"]: partner["name"] for partner in self._rows["Partner"]}

        def position(row: Row) -> list[Any]:
            value = names[row["partner_id"]] if is_of_partner else row[column.lower()]
            if column == "UPDATED_AT" and value is None:  # nothing has changed since
                value = row["created_at"]
            return [value is not None, *([] if value is None else [value]), *(row[name] for name in key)]

        return [global_id(kind, row) for row in sorted(self._rows[kind], key=position, reverse=direction == "DESC")]
