"""Builds a page of a connection from its rows.

Nodes, edges with cursors, page info and the total count are all derived here from one result.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from graph.query.cursors import encode_cursor
from graph.query.plan import (
    Cursor,
    Edges,
    Field,
    Nodes,
    PageField,
    PageInfoFields,
    PagePlan,
    Table,
    TotalCount,
    Typename,
)
from graph.query.response_objects import build_objects, object_type
from graph.query.select_builder import NestedPages
from graph.query.statements import PageStatement


class PageTable:
    """The rows of a page as columns of values, which are computed a few rows at a time."""

    def __init__(self, rows: Sequence[Any], columns: Callable[[Sequence[Any]], list[Sequence[Any]]]) -> None:
        self._rows = rows
        self._columns = columns

    def __len__(self) -> int:
        return len(self._rows)

    def columns(self, start: int, end: int) -> list[Sequence[Any]]:
        """Return the values of the rows from one position to before another, one column after the other, the cursors
        last."""
        return self._columns(self._rows[start:end])


class PageBuilder:
    """Builds one page from its statement's rows, which are up to one more than the page holds."""

    def __init__(
        self, page: PagePlan, statement: PageStatement, rows: Sequence[Any], values: Mapping[str, Any]
    ) -> None:
        self._page = page
        self._statement = statement
        size: int = values[page.value("size")]
        self._mark: str = values[page.value("mark")]
        self._asked_from: dict[str, str] = {bound: values[page.value(bound)] for bound in page.bounds}
        self._has_more = len(rows) > size
        self._rows = rows[:size]
        if page.backwards:
            self._rows = self._rows[::-1]

    def build(self, found: NestedPages, total: int) -> dict[str, Any]:
        """Return the page under the response keys of the client. `found` has the connections nested under its rows."""
        return {part.response_key: self._part(part, found, total) for part in self._page.parts}

    def _part(self, part: PageField, found: NestedPages, total: int) -> Any:
        match part:
            case Nodes():
                return self._statement.node_factories[part](self._rows, found)
            case Edges(_, parts):
                edge = object_type([inner.response_key for inner in parts])
                return build_objects(edge, (self._column(inner, found) for inner in parts), len(self._rows))
            case Table():
                columns = self._statement.table_factories[part]
                return PageTable(self._rows, lambda rows: [*columns(rows, found), [*map(self._cursor, rows)]])
            case PageInfoFields(_, parts):
                return {inner.response_key: self._info(inner) for inner in parts}
            case TotalCount():
                return total
            case Typename(_, type_name):
                return type_name

    def _column(self, part: Nodes | Cursor | Typename, found: NestedPages) -> Iterable[Any]:
        """Return the values of a field of the edges."""
        match part:
            case Nodes():
                return self._statement.node_factories[part](self._rows, found)
            case Cursor():
                return map(self._cursor, self._rows)
            case Typename(_, type_name):
                return repeat(type_name, len(self._rows))

    def _info(self, part: Field | Typename) -> Any:
        match part:
            case Typename(_, type_name):
                return type_name
            # The cursor was a row of this list, so there is at least one row on its other side.
            case Field(_, "has_next_page"):
                return "before" in self._page.bounds if self._page.backwards else self._has_more
            case Field(_, "has_previous_page"):
                return self._has_more if self._page.backwards else "after" in self._page.bounds
            case Field(_, "start_cursor"):
                return self._cursor(self._rows[0]) if self._rows else self._asked_from.get("before")
            # After an empty page, a client that polls for new rows starts from the same cursor again.
            case Field(_, "end_cursor"):
                return self._cursor(self._rows[-1]) if self._rows else self._asked_from.get("after")
        raise KeyError(part)

    def _cursor(self, row: Any) -> str:
        return encode_cursor(self._mark, self._statement.position(row))
