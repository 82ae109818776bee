"""Statements compiled once from the tables' own metadata, for execution by the driver itself.

The click path runs a handful of statements for thousands of rows a second; going through the driver saves more than
half of SQLAlchemy's cost a row, and compiling from the metadata keeps the tables the one definition of the schema.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias, cast

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Delete,
    Dialect,
    Insert,
    Select,
    String,
    Text,
    Update,
    bindparam,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import TypeEngine

ROWS = "rows"
"""The one parameter of a statement for PostgreSQL."""
ROW = "json_row"
"""The column of SQLite's view, see `db.engine.sqlite.trigger_batch`, in which a row is found by a statement that is run
in a trigger."""

RowValues: TypeAlias = tuple[Any, ...]
DriverValues: TypeAlias = Sequence[Any]
"""A row as a driver takes it."""
Template: TypeAlias = Insert | Update | Delete | ReturningUpdate[*tuple[Any, ...]] | Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """One statement's text, and how to turn the caller's values into its positional parameters."""

    sql: str
    """Empty if it is several in one, which only a trigger can be."""
    conversions: tuple[tuple[int, Callable[[Any], Any]], ...]
    arrange: Callable[[DriverValues], DriverValues] | None
    of_row: str
    """The same for a trigger of SQLite's, which takes its values from `ROW`; empty if it changes nothing."""

    def rows(self, rows: Iterable[RowValues]) -> Sequence[DriverValues]:
        """Return the rows, given in the order that `compiled` was told, as the driver wants them."""
        converted = self.converted(rows)
        return [self.arrange(values) for values in converted] if self.arrange else converted

    def converted(self, rows: Iterable[RowValues]) -> Sequence[DriverValues]:
        """Return the rows with their values as the driver wants them, in the same order."""
        if not self.conversions:
            return list(rows)
        converted = [list(row) for row in rows]
        for position, convert in self.conversions:
            for row in converted:
                row[position] = convert(row[position])
        return converted


StatementRows: TypeAlias = tuple[BatchStatement, Sequence[RowValues]]
"""A statement, and the rows to run it for."""


def compiled(dialect: Dialect, query: Template, parameters: Sequence[str]) -> BatchStatement:
    """Compile a query for a dialect; `parameters` is the order in which a row will give its values, by name.

    An insert fills the columns of those names. SQLite's driver runs the statement for each row, and may want a value
    twice, or in another order. PostgreSQL gets all rows in one go, as a JSON array of arrays: to start and to end a
    statement costs it more than to run one, and its driver takes longer for a value than the encoder for a row.
    """
    in_trigger = dialect.name == "sqlite" and isinstance(query, Insert | Update | Delete)
    of_row = str(with_values(query, fields(parameters)).compile(dialect=dialect)) if in_trigger else ""
    result = query.compile(dialect=dialect, column_keys=parameters if isinstance(query, Insert) else None)
    types = [result.binds[name].type for name in parameters]
    wanted = list(result.positiontup or ())
    if dialect.name == "postgresql":
        result = _for_all_rows(query, dict(zip(parameters, types, strict=True))).compile(dialect=dialect)
        wanted = list(parameters)
    return BatchStatement(
        sql=str(result),
        conversions=_conversions(dialect, types),
        arrange=None if wanted == list(parameters) else _arrange([parameters.index(name) for name in wanted]),
        of_row=of_row,
    )


def several(dialect: Dialect, types: Mapping[str, TypeEngine[Any]], queries: Iterable[Template]) -> BatchStatement:
    """Compile queries that SQLite is to run one after the other for each row: one row costs it less than a row for each
    of them. `types` has the names and the types of a row's values, which the queries take from its `fields`."""
    of_row = "; ".join(str(query.compile(dialect=dialect)) for query in queries)
    return BatchStatement(sql="", conversions=_conversions(dialect, types.values()), arrange=None, of_row=of_row)


def fields(parameters: Iterable[str]) -> dict[str, ColumnElement[Any]]:
    """Return what a trigger of SQLite's finds a row's values as, by their names."""
    return {name: literal_column(f"json_extract(new.{ROW}, '$[{at}]')") for at, name in enumerate(parameters, 1)}


def with_values(query: Template, values: Mapping[str, ColumnElement[Any]]) -> Template:
    """Return a query with these in the place of its parameters."""
    if isinstance(query, Insert):
        return query.values(values)

    def replace(element: Any, **_: Any) -> Any:
        return values.get(element.key) if isinstance(element, BindParameter) else None

    return cast(Template, replacement_traverse(query, {}, replace))


def _conversions(dialect: Dialect, types: Iterable[TypeEngine[Any]]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    # A bool is what both drivers want already.
    binders = (
        None if isinstance(type, Boolean) else type.dialect_impl(dialect).bind_processor(dialect) for type in types
    )
    return tuple((at, convert) for at, convert in enumerate(binders) if convert is not None)


def _for_all_rows(query: Template, types: Mapping[str, TypeEngine[Any]]) -> Template:
    """Return a query that does for each element of its one parameter what the given one does once.

    Rows come in the order of the elements, and a nested loop keeps it: see `db.engine.postgresql.backend` for why that
    matters."""
    rows = cast_to(bindparam(ROWS, type_=Text), JSONB)
    items = func.jsonb_array_elements(rows).table_valued(column("item", JSONB), name="items").render_derived()
    values = (
        cast_to(items.c.item.op("->>")(literal_column(str(at))), Text() if isinstance(type, String) else type)
        for at, type in enumerate(types.values())
    )
    given = select(*(value.label(name) for name, value in zip(types, values, strict=True))).subquery("given")
    if isinstance(query, Insert):
        return query.from_select(list(types), select(*given.c), include_defaults=False)
    return with_values(query, dict(given.c))


def _arrange(positions: Sequence[int]) -> Callable[[DriverValues], DriverValues]:
    return itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)
