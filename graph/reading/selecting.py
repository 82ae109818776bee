"""A select put together for what is wanted of a row: its columns, the rows joined to it, and how to finish a value.

Every row that takes part is confined to the viewer's scope here.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import aliased

from graph.reading.catalogue import CATALOGUE
from graph.reading.kinds import Children, Kind, Row
from graph.reading.shapes import Field, Many, One, Page, Typename, Wanted
from graph.scope import Eyes, visible, withheld

# The pages under a statement's rows, finished: by the page's number, then by the parent's key.
Found: TypeAlias = Mapping[int, Mapping[tuple[Any, ...], Any]]
# What makes a finished value of one of the statement's rows.
Make: TypeAlias = Callable[[Sequence[Any], Found], Any]


class Nested(NamedTuple):
    """A page of children under each row, and how to read the row's key to them."""

    page: Page
    under: tuple[str, ...]
    key: Callable[[Sequence[Any]], tuple[Any, ...]]


class Selecting:
    """The parts of one select, collected while its shape is walked."""

    def __init__(self, eyes: Eyes) -> None:
        self.eyes: Eyes = eyes
        self.nested: list[Nested] = []
        self._columns: list[ColumnElement[Any]] = []
        self._joins: list[tuple[Row, ColumnElement[bool]]] = []

    def place(self, columns: Sequence[ColumnElement[Any]]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """Add columns; return the function that takes their values out of a row of the result."""
        start = len(self._columns)
        self._columns += columns
        return itemgetter(slice(start, len(self._columns)))

    def select(self, source: Any) -> Select[Any]:
        """Return the select, from a source that has the rows that were walked."""
        # Labels, because two rows may have columns of one name.
        columns = [column.label(f"column{number}") for number, column in enumerate(self._columns)]
        statement = select(*columns).select_from(source)
        for row, condition in self._joins:
            statement = statement.outerjoin(row, condition)
        return statement

    def row(self, row: Row, wanted: Wanted) -> Make:
        """Add what is wanted of a row; return what makes it a finished value."""
        kind = CATALOGUE[wanted.kind]
        parts = [(part.answer, self._part(row, kind, part)) for part in wanted.parts]
        return lambda values, found: {answer: make(values, found) for answer, make in parts}

    def _part(self, row: Row, kind: Kind, part: Field | Typename | One | Many) -> Make:
        match part:
            case Typename(_, type_name):
                return lambda values, found: type_name
            case Field(_, name):
                return self._field(row, kind, name)
            case One(_, name, wanted):
                return self._one(row, kind, name, wanted)
            case Many(_, name, page):
                return self._many(row, kind.children[name], page)

    def _field(self, row: Row, kind: Kind, name: str) -> Make:
        if withheld(row, name, self.eyes):
            return lambda values, found: None
        attribute = kind.attribute(name)
        columns, finish, start = attribute.columns(row), attribute.finish, len(self._columns)
        take = self.place(columns)
        if finish is None:
            return lambda values, found: values[start]
        if len(columns) == 1:
            return lambda values, found: finish(values[start])
        return lambda values, found: finish(*take(values))

    def _one(self, row: Row, kind: Kind, name: str, wanted: Wanted) -> Make:
        reference = kind.references[name]
        there = aliased(CATALOGUE[reference.kind].table)
        self._joins.append((there, and_(reference.matches(row, there), visible(there, self.eyes))))
        start = len(self._columns)
        self.place(CATALOGUE[reference.kind].key_columns(there))
        make = self.row(there, wanted)
        return lambda values, found: None if values[start] is None else make(values, found)

    def _many(self, row: Row, children: Children, page: Page) -> Make:
        key = self.place([getattr(row, name) for name in children.keys.values()])
        self.nested.append(Nested(page, tuple(children.keys), key))
        return lambda values, found: found[page.number][key(values)]
