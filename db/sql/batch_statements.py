"""Statements that are compiled once from the tables' metadata and run by the driver directly, for many rows at a time.

The click path runs a few statements for thousands of rows per second. Using the driver directly saves more than half of
SQLAlchemy's cost per row, and compiling from the metadata keeps the tables the only definition of the schema.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    true,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import TypeEngine

ROWS = "rows"
"""The single parameter of a PostgreSQL statement: all of its rows as JSON."""
ROW = "json_row"
"""The column of the view in `db.engine.sqlite.trigger_batch` that holds a row as JSON."""

RowValues: TypeAlias = tuple[Any, ...]
DriverValues: TypeAlias = Sequence[Any]
"""A row with values as the driver expects them."""
Template: TypeAlias = Insert | Update | Delete | ReturningUpdate[*tuple[Any, ...]] | Select[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class BatchStatement:
    """A statement's SQL, with the conversion of a row's values into its positional parameters."""

    sql: str
    """Empty for a combination of several statements, which can run only in a trigger."""
    conversions: tuple[tuple[int, Callable[[Any], Any]], ...]
    arrange: Callable[[DriverValues], DriverValues] | None
    of_row: str
    """The SQL for a SQLite trigger, which reads the values from `ROW`; empty if the statement changes nothing."""
    on_cluster: tuple[str, ...] = ()
    """The SQL for a cluster, if that is another: statements to run one after the other for the same rows. The last one
    returns what is found."""

    def rows(self, rows: Iterable[RowValues]) -> Sequence[DriverValues]:
        """Convert rows, with values in the order of `compiled`'s parameters, to the statement's positional
        parameters."""
        converted = self.converted(rows)
        return [self.arrange(values) for values in converted] if self.arrange else converted

    def converted(self, rows: Iterable[RowValues]) -> Sequence[DriverValues]:
        """Convert rows to the values that the driver expects, in the same order."""
        if not self.conversions:
            return list(rows)
        converted = [list(row) for row in rows]
        for position, convert in self.conversions:
            for row in converted:
                row[position] = convert(row[position])
        return converted


StatementRows: TypeAlias = tuple[BatchStatement, Sequence[RowValues]]
"""A statement and the rows to run it for."""


def compiled(dialect: Dialect, query: Template, parameters: Sequence[str]) -> BatchStatement:
    """Compile a statement for a dialect. `parameters` names a row's values in order.

    An insert fills the columns of these names. On SQLite the statement runs once per row, and may need a value twice or
    in another order. On PostgreSQL it takes all rows at once, as a JSON array of arrays: starting and ending a
    statement there costs more than running it, and the driver needs more time to encode one value than the JSON encoder
    does for a row."""
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


def compiled_with_locks(
    dialect: Dialect, query: Select[*tuple[Any, ...]], table: Any, parameters: Sequence[str]
) -> BatchStatement:
    """Compile a query that locks the rows of a table that it finds, so that only foreign keys may still refer to them.

    A cluster can lock rows of several nodes only by changing them. So there it sets each row's id to what it is, and
    reads the rows as they then are."""
    statement = compiled(dialect, query.with_for_update(of=table, key_share=True), parameters)
    if dialect.name != "postgresql":
        return statement
    lock: Template = update(table).where(_condition(query)).values(id=table.id)
    return replace(statement, on_cluster=tuple(compiled(dialect, each, parameters).sql for each in (lock, query)))


def _condition(query: Select[*tuple[Any, ...]]) -> ColumnElement[bool]:
    return true() if query.whereclause is None else query.whereclause


def combined(dialect: Dialect, types: Mapping[str, TypeEngine[Any]], queries: Iterable[Template]) -> BatchStatement:
    """Combine statements that a SQLite trigger runs one after the other for each row. `types` maps the names of a row's
    values to their types; the statements read them by `fields`."""
    of_row = "; ".join(str(query.compile(dialect=dialect)) for query in queries)
    return BatchStatement(sql="", conversions=_conversions(dialect, types.values()), arrange=None, of_row=of_row)


def fields(parameters: Iterable[str]) -> dict[str, ColumnElement[Any]]:
    """Return the expressions by which a SQLite trigger reads a row's values, by name."""
    return {name: literal_column(f"json_extract(new.{ROW}, '$[{at}]')") for at, name in enumerate(parameters, 1)}


def with_values(query: Template, values: Mapping[str, ColumnElement[Any]]) -> Template:
    """Replace a query's parameters by expressions."""
    if isinstance(query, Insert):
        return query.values(values)

    def expression_of(element: Any, **_: Any) -> Any:
        return values.get(element.key) if isinstance(element, BindParameter) else None

    return cast(Template, replacement_traverse(query, {}, expression_of))


def _conversions(dialect: Dialect, types: Iterable[TypeEngine[Any]]) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    # Both drivers accept a bool as it is.
    binders = (
        None if isinstance(type, Boolean) else type.dialect_impl(dialect).bind_processor(dialect) for type in types
    )
    return tuple((at, convert) for at, convert in enumerate(binders) if convert is not None)


def _for_all_rows(query: Template, types: Mapping[str, TypeEngine[Any]]) -> Template:
    """Return a query that takes all rows as one JSON parameter and does for each what the given query does once.

    Rows are processed in the order of the JSON array as long as the plan is a nested loop;
    `db.engine.postgresql.backend` explains why that matters."""
    rows = cast_to(bindparam(ROWS, type_=Text), JSONB)
    items = func.jsonb_array_elements(rows).table_valued(column("item", JSONB), name="items").render_derived()
    values = (
        cast_to(items.c.item.op("->>")(literal_column(str(at))), Text() if isinstance(type, String) else type)
        for at, type in enumerate(types.values())
    )
    given = select(*(value.label(name) for name, value in zip(types, values, strict=True)))
    if isinstance(query, Insert):
        return query.from_select(list(types), select(*given.subquery("given").c), include_defaults=False)
    # Otherwise the values would be computed within the statement's own expressions, and a cluster lets no node do that.
    return with_values(query, dict(given.offset(literal_column("0")).subquery("given").c))


def _arrange(positions: Sequence[int]) -> Callable[[DriverValues], DriverValues]:
    return itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)
