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
# Python's, of a `row` of the result and of the pages `found`.
Expression: TypeAlias = str


class Nested(NamedTuple):
    """A page of children under each row: which columns of theirs equal which of the row, and how to read those."""

    page: Page
    under: tuple[str, ...]
    columns: Sequence[ColumnElement[Any]]
    key: Callable[[Sequence[Any]], tuple[Any, ...]]


class Selecting:
    """The parts of one select, collected while its shape is walked."""

    def __init__(self, eyes: Eyes) -> None:
        self.eyes: Eyes = eyes
        self.nested: list[Nested] = []
        # With their positions: what is wanted twice is read once.
        self._columns: dict[ColumnElement[Any], int] = {}
        # By the row that points to them: what is wanted by several names is joined once. SQLite joins up to 64 tables.
        self._joins: dict[tuple[Row, str], tuple[Row, ColumnElement[bool]]] = {}
        self._finishers: dict[str, Callable[..., Any]] = {}

    def place(self, columns: Sequence[ColumnElement[Any]]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """Add columns; return the function that takes their values out of a row of the result."""
        return _taking(self._positions(columns))

    def select(self, source: Any) -> Select[Any]:
        """Return the select, from a source that has the rows that were walked."""
        # Labels, because two rows may have columns of one name.
        columns = [column.label(f"column{at}") for column, at in self._columns.items()]
        statement = select(*columns).select_from(source)
        for row, condition in self._joins.values():
            statement = statement.outerjoin(row, condition)
        return statement

    def row(self, row: Row, wanted: Wanted) -> Make:
        """Add what is wanted of a row; return what makes it a finished value."""
        # One expression for the whole of it takes a fifth of the time that a function for each part would.
        expression = self._object(row, wanted)
        make: Make = eval(f"lambda row, found: {expression}", self._finishers)  # noqa: S307  made of our own words
        return make

    def _object(self, row: Row, wanted: Wanted) -> Expression:
        kind = CATALOGUE[wanted.kind]
        parts = (f"{part.answer!r}: {self._part(row, kind, part)}" for part in wanted.parts)
        return f"{{{', '.join(parts)}}}"

    def _part(self, row: Row, kind: Kind, part: Field | Typename | One | Many) -> Expression:
        match part:
            case Typename(_, type_name):
                return repr(type_name)
            case Field(_, name):
                return self._field(row, kind, name)
            case One(_, name, wanted):
                return self._one(row, kind, name, wanted)
            case Many(_, name, page):
                return self._many(row, kind.children[name], page)

    def _field(self, row: Row, kind: Kind, name: str) -> Expression:
        if withheld(row, name, self.eyes):
            return "None"
        attribute = kind.attribute(name)
        values = self._values(attribute.columns(row))
        if attribute.finish is None:
            return values
        finisher = f"finish{len(self._finishers)}"
        self._finishers[finisher] = attribute.finish
        return f"{finisher}({values})"

    def _one(self, row: Row, kind: Kind, name: str, wanted: Wanted) -> Expression:
        reference = kind.references[name]
        if (row, name) not in self._joins:
            joined = aliased(CATALOGUE[reference.kind].table)
            self._joins[row, name] = joined, and_(reference.matches(row, joined), visible(joined, self.eyes))
        there, _ = self._joins[row, name]
        key, *_ = CATALOGUE[reference.kind].key_columns(there)
        return f"None if {self._values([key])} is None else {self._object(there, wanted)}"

    def _many(self, row: Row, children: Children, page: Page) -> Expression:
        columns = [getattr(row, name) for name in children.keys.values()]
        self.nested.append(Nested(page, tuple(children.keys), columns, self.place(columns)))
        return f"found[{page.number}][{self._values(columns)},]"

    def _values(self, columns: Sequence[ColumnElement[Any]]) -> Expression:
        """Add columns; return their values, with commas between."""
        return ", ".join(f"row[{at}]" for at in self._positions(columns))

    def _positions(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[int]:
        return [self._columns.setdefault(column, len(self._columns)) for column in columns]


def _taking(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    match positions:
        case []:
            return lambda row: ()
        case [at]:
            return lambda row: (row[at],)
    return itemgetter(*positions)
