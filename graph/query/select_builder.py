"""Builds one SELECT for a row plan: its columns, the rows joined to it, and the functions that build nodes from
results.

Every joined row is restricted to the viewer's scope here.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct, defstruct
from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import aliased

from graph.domain.scope import Audience, visible, withheld
from graph.query.entities import ENTITIES
from graph.query.entity import Children, Entity, MappedRow
from graph.query.plan import Field, PagePlan, RowPlan, ToMany, ToOne, Typename

# Pages nested under the rows of a statement: by page number, then by parent key.
NestedPages: TypeAlias = Mapping[int, Mapping[tuple[Any, ...], Any]]
# Builds a node from a result row and the pages nested under it.
NodeFactory: TypeAlias = Callable[[Sequence[Any], NestedPages], Any]


class NestedConnection(NamedTuple):
    """A connection under each row: its plan, the child columns that hold the parent's key, and how to read that key."""

    page: PagePlan
    parent_columns: tuple[str, ...]
    columns: Sequence[ColumnElement[Any]]
    key: Callable[[Sequence[Any]], tuple[Any, ...]]


class SelectBuilder:
    """The parts of one SELECT, collected while its plan is walked."""

    def __init__(self, audience: Audience) -> None:
        self.audience: Audience = audience
        self.nested: list[NestedConnection] = []
        # Each column with its position, so that a column selected twice is read once.
        self._columns: dict[ColumnElement[Any], int] = {}
        # By the referring row, so that a reference selected twice is joined once: SQLite allows 64 tables in a join.
        self._joins: dict[tuple[MappedRow, str], tuple[MappedRow, ColumnElement[bool]]] = {}

    def add_columns(self, columns: Sequence[ColumnElement[Any]]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
        """Add columns. Returns a function that takes their values out of a result row."""
        return _tuple_getter(self._positions(columns))

    def select(self, source: Any) -> Select[Any]:
        """Return the SELECT from a source that contains the rows that were added."""
        # Labels, because two rows may have columns of the same name.
        columns = [column.label(f"column{at}") for column, at in self._columns.items()]
        statement = select(*columns).select_from(source)
        for row, condition in self._joins.values():
            statement = statement.outerjoin(row, condition)
        return statement

    def row(self, row: MappedRow, plan: RowPlan) -> NodeFactory:
        """Add the fields of a row plan. Returns the function that builds a node: a struct that is encoded as an object
        with the client's response keys."""
        entity = ENTITIES[plan.entity]
        values = [self._part(row, entity, part) for part in plan.parts]
        node_type = _struct_type([part.response_key for part in plan.parts])
        # Most values are plain columns; the computed ones first take the value of any column and are then replaced.
        take = _tuple_getter([value if isinstance(value, int) else 0 for value in values])
        computed = [(at, value) for at, value in enumerate(values) if not isinstance(value, int)]
        if not computed:
            return lambda row, nested: node_type(*take(row))

        def build(row: Sequence[Any], nested: NestedPages) -> Struct:
            parts = list(take(row))
            for at, value in computed:
                parts[at] = value(row, nested)
            return node_type(*parts)

        return build

    def _part(self, row: MappedRow, entity: Entity, part: Field | Typename | ToOne | ToMany) -> int | NodeFactory:
        """Return the position of a field in the result row, or the function that builds its value."""
        match part:
            case Typename(_, type_name):
                return lambda row, nested: type_name
            case Field(_, name):
                return self._field(row, entity, name)
            case ToOne(_, name, plan):
                return self._one(row, entity, name, plan)
            case ToMany(_, name, page):
                return self._many(row, entity.children[name], page)

    def _field(self, row: MappedRow, entity: Entity, name: str) -> int | NodeFactory:
        if withheld(row, name, self.audience):
            return lambda row, nested: None
        attribute = entity.attribute(name)
        positions = self._positions(attribute.columns(row))
        finish = attribute.finish
        if finish is None:
            (position,) = positions
            return position
        take = _tuple_getter(positions)
        return lambda row, nested: finish(*take(row))

    def _one(self, row: MappedRow, entity: Entity, name: str, plan: RowPlan) -> NodeFactory:
        reference = entity.references[name]
        if (row, name) not in self._joins:
            joined = aliased(ENTITIES[reference.entity].table)
            self._joins[row, name] = joined, and_(reference.matches(row, joined), visible(joined, self.audience))
        there, _ = self._joins[row, name]
        first_key, *_ = ENTITIES[reference.entity].key_columns(there)
        (key,) = self._positions([first_key])
        build = self.row(there, plan)
        return lambda row, nested: None if row[key] is None else build(row, nested)

    def _many(self, row: MappedRow, children: Children, page: PagePlan) -> NodeFactory:
        columns = [getattr(row, name) for name in children.keys.values()]
        key = self.add_columns(columns)
        self.nested.append(NestedConnection(page, tuple(children.keys), columns, key))
        return lambda row, nested: nested[page.number][key(row)]

    def _positions(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[int]:
        return [self._columns.setdefault(column, len(self._columns)) for column in columns]


def _tuple_getter(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    match positions:
        case []:
            return lambda row: ()
        case [at]:
            return lambda row: (row[at],)
    return itemgetter(*positions)


def _struct_type(names: Sequence[str]) -> type[Struct]:
    """Return a struct type that is encoded with these keys. It is built four times as fast as a dict."""
    fields = [f"part{at}" for at in range(len(names))]
    return defstruct("Answer", fields, frozen=True, gc=False, rename=dict(zip(fields, names, strict=True)))
