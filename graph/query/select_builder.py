"""Builds one SELECT for a row plan: its columns, the rows joined to it, and the functions that build nodes from
results.

Every joined row is restricted to the viewer's scope here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, and_, func, select, union_all
from sqlalchemy.orm import aliased

from db.sql.functions import json_pairs
from graph.domain.errors import TooComplex
from graph.domain.scope import Audience, visible, withheld
from graph.query.amounts import money_formatter, sorted_sums
from graph.query.cluster_rows import RowOfProgram, of_same_program, plain
from graph.query.entities import ENTITIES
from graph.query.entity import Attribute, Children, CurrencySums, Entity, MappedRow
from graph.query.plan import Amounts, Field, PagePlan, RowField, RowPlan, Through, ToMany, ToOne, Typename
from graph.query.response_objects import build_objects, object_type

# SQLite allows 64 tables in a join, and a page's rows, their parents and keys take up to three of them.
MOST_JOINS = 60
# Pages nested under the rows of a statement: by page number, then by parent key.
NestedPages: TypeAlias = Mapping[int, Mapping[tuple[Any, ...], Any]]
# Builds the nodes of result rows, or the values of one of their fields, with the pages nested under them.
NodesFactory: TypeAlias = Callable[[Sequence[Sequence[Any]], NestedPages], Sequence[Struct]]
ColumnFactory: TypeAlias = Callable[[Sequence[Sequence[Any]], NestedPages], Iterable[Any]]
TableFactory: TypeAlias = Callable[[Sequence[Sequence[Any]], NestedPages], list[Sequence[Any]]]


class NestedConnection(NamedTuple):
    """A connection under each row: its plan, the child columns that hold the parent's key, and how to read that key."""

    page: PagePlan
    parent_columns: tuple[str, ...]
    key: Callable[[Sequence[Any]], tuple[Any, ...]]


class _At(NamedTuple):
    """The position of a column whose values are shown as they are."""

    at: int


class SelectBuilder:
    """The parts of one SELECT, collected while its plan is walked."""

    def __init__(self, audience: Audience) -> None:
        self.audience: Audience = audience
        self.nested: list[NestedConnection] = []
        # The columns of the key that a nested page's rows point to.
        self.parent_keys: dict[PagePlan, Sequence[ColumnElement[Any]]] = {}
        # Each column with its position, so that a column selected twice is read once.
        self._columns: dict[ColumnElement[Any], int] = {}
        # By the referring row, so that a reference selected twice is joined once.
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
            statement = statement.outerjoin(plain(row), condition)
        return statement

    def nodes(self, row: MappedRow, plan: RowPlan) -> NodesFactory:
        """Add the fields of a row plan. Returns the function that builds the nodes: structs that are encoded as objects
        with the client's response keys."""
        entity = ENTITIES[plan.entity]
        columns = [self._part(row, entity, part) for part in plan.parts]
        node = object_type([part.response_key for part in plan.parts])
        return lambda rows, nested: build_objects(node, (column(rows, nested) for column in columns), len(rows))

    def table(self, row: MappedRow, plan: RowPlan) -> TableFactory:
        """Add the fields of a row plan. Returns the function that takes their values out of result rows, one column
        after the other."""
        entity = ENTITIES[plan.entity]
        columns = [self._plain(row, entity, part) or self._part(row, entity, part) for part in plan.parts]

        def table(rows: Sequence[Sequence[Any]], nested: NestedPages) -> list[Sequence[Any]]:
            as_found = [*zip(*rows, strict=True)] or [()] * len(self._columns)
            return [as_found[column.at] if isinstance(column, _At) else [*column(rows, nested)] for column in columns]

        return table

    def _plain(self, row: MappedRow, entity: Entity, part: RowField) -> "_At | None":
        """Add a field that is a column as it is. Returns where, or None for any other field."""
        match part:
            case Through(_, name, inner) if name in entity.references:
                _, there = self._joined(row, entity, name)
                return self._plain(there, ENTITIES[entity.references[name].entity], inner)
            case Field(_, name) if name not in entity.sums and not withheld(plain(row), name, self.audience):
                attribute = entity.attribute(name)
                if attribute.finish is None:
                    (position,) = self._positions(attribute.columns(row))
                    return _At(position)
        return None

    def _part(self, row: MappedRow, entity: Entity, part: RowField) -> ColumnFactory:
        match part:
            case Typename(_, type_name):
                return _constant(type_name)
            case Field(_, name):
                return self._field(row, entity, name)
            case Amounts(_, name, parts):
                return self._amounts(row, entity, name, parts)
            case ToOne(_, name, plan):
                return self._one(row, entity, name, plan)
            case Through(_, name, inner):
                return self._through(row, entity, name, inner)
            case ToMany(_, name, page):
                return self._many(row, entity.children[name], page)

    def _field(self, row: MappedRow, entity: Entity, name: str) -> ColumnFactory:
        if withheld(plain(row), name, self.audience):
            return _constant(None)
        if name in entity.sums:
            return self._attribute(row, Attribute(lambda row: [self._sums(row, entity.sums[name])], sorted_sums))
        return self._attribute(row, entity.attribute(name))

    def _attribute(self, row: MappedRow, attribute: Attribute) -> ColumnFactory:
        getters = [itemgetter(position) for position in self._positions(attribute.columns(row))]
        finish = attribute.finish
        if finish is None:
            (get,) = getters
            return lambda rows, nested: map(get, rows)
        return lambda rows, nested: map(finish, *(map(get, rows) for get in getters))

    def _amounts(self, row: MappedRow, entity: Entity, name: str, parts: Sequence[Field | Typename]) -> ColumnFactory:
        show, found = money_formatter(parts), self._field(row, entity, name)
        if name in entity.sums:
            return lambda rows, nested: (None if each is None else [*map(show, each)] for each in found(rows, nested))
        return lambda rows, nested: (None if one is None else show(one) for one in found(rows, nested))

    def _sums(self, row: MappedRow, sums: CurrencySums) -> ColumnElement[Any]:
        """Return a subquery of the sums in all currencies, as JSON, so that a row still takes one statement."""
        parts = [
            part(row, lambda there: visible(there, self.audience)).correlate(*self._froms(row)) for part in sums.parts
        ]
        every = union_all(*parts).subquery("addends")
        totals = select(every.c.currency, func.sum(every.c.amount).label("total")).group_by(every.c.currency)
        each = totals.subquery("sums")
        return select(json_pairs(each.c.currency, each.c.total)).scalar_subquery()

    @staticmethod
    def _froms(row: MappedRow) -> Sequence[MappedRow]:
        return (row.row, row.program) if isinstance(row, RowOfProgram) else (row,)

    def _one(self, row: MappedRow, entity: Entity, name: str, plan: RowPlan) -> ColumnFactory:
        key, there = self._joined(row, entity, name)
        return _if_present(key, self.nodes(there, plan))

    def _through(self, row: MappedRow, entity: Entity, name: str, part: Field | Through) -> ColumnFactory:
        if name in entity.references:
            key, there = self._joined(row, entity, name)
            return _if_present(key, self._part(there, ENTITIES[entity.references[name].entity], part))
        amounts, get = self._field(row, entity, name), attrgetter(part.name)
        return lambda rows, nested: (None if one is None else get(one) for one in amounts(rows, nested))

    def _joined(self, row: MappedRow, entity: Entity, name: str) -> tuple[int, MappedRow]:
        """Join a reference. Returns the position of a column that is null if there is no such row, and the row."""
        reference = entity.references[name]
        if (row, name) not in self._joins:
            joined = aliased(ENTITIES[reference.entity].table)
            if len(self._joins) >= MOST_JOINS:
                raise TooComplex("joins", MOST_JOINS + 1, MOST_JOINS)
            matches = {id(each): reference.matches(each, joined) for each in (row, plain(row))}
            condition = and_(*matches.values(), visible(joined, self.audience))
            self._joins[row, name] = of_same_program(row, joined), condition
        there, _ = self._joins[row, name]
        first_key, *_ = ENTITIES[reference.entity].key_columns(plain(there))
        (key,) = self._positions([first_key])
        return key, there

    def _many(self, row: MappedRow, children: Children, page: PagePlan) -> ColumnFactory:
        columns = [getattr(row, name) for name in children.keys.values()]
        key = self.add_columns(columns)
        self.nested.append(NestedConnection(page, tuple(children.keys), key))
        self.parent_keys[page] = columns
        return lambda rows, nested: map(nested[page.number].__getitem__, map(key, rows))

    def _positions(self, columns: Sequence[ColumnElement[Any]]) -> Sequence[int]:
        return [self._columns.setdefault(column, len(self._columns)) for column in columns]


def _tuple_getter(positions: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    match positions:
        case []:
            return lambda row: ()
        case [at]:
            return lambda row: (row[at],)
    return itemgetter(*positions)


def _if_present(key: int, column: ColumnFactory) -> ColumnFactory:
    """Return the factory of a joined row's values, which are None where the column at `key` is null."""

    def values(rows: Sequence[Sequence[Any]], nested: NestedPages) -> Iterable[Any]:
        present = [row for row in rows if row[key] is not None]
        if len(present) == len(rows):
            return column(rows, nested)
        found = iter(column(present, nested))
        return (None if row[key] is None else next(found) for row in rows)

    return values


def _constant(value: Any) -> ColumnFactory:
    return lambda rows, nested: repeat(value, len(rows))
