"""SQL functions that compile differently for SQLite and PostgreSQL: timestamps, JSON, and lists as parameters.

With them, each query is written once for both databases.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import json
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Dialect,
    Text,
    TypeDecorator,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from db.schema.columns import UtcDateTime

QUARTER_SECONDS = 900


class quarter_of(FunctionElement[datetime]):  # noqa: N801  named like a SQL function
    """The start of the quarter of an hour, in UTC, that contains a timestamp."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(quarter_of, "sqlite")
def _quarter_on_sqlite(element: quarter_of, compiler: SQLCompiler, **options: Any) -> str:
    timestamp = compiler.process(element.clauses, **options)
    quarter = QUARTER_SECONDS * 1_000_000
    return f"({timestamp} / {quarter} * {quarter})"


@compiles(quarter_of, "postgresql")
def _quarter_on_postgresql(element: quarter_of, compiler: SQLCompiler, **options: Any) -> str:
    timestamp = compiler.process(element.clauses, **options)
    return f"date_bin(interval '{QUARTER_SECONDS} seconds', {timestamp}, timestamptz '1970-01-01 00:00:00+00')"


class quarter_number(FunctionElement[int]):  # noqa: N801  named like a SQL function
    """The number, counted from 1970, of the quarter of an hour that contains a timestamp."""

    type = BigInteger()
    inherit_cache = True


@compiles(quarter_number, "sqlite")
def _quarter_number_on_sqlite(element: quarter_number, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} / {QUARTER_SECONDS * 1_000_000}"


@compiles(quarter_number, "postgresql")
def _quarter_number_on_postgresql(element: quarter_number, compiler: SQLCompiler, **options: Any) -> str:
    timestamp = compiler.process(element.clauses, **options)
    return f"CAST(floor(date_part('epoch', {timestamp}) / {QUARTER_SECONDS}) AS bigint)"


class tested_per_row(FunctionElement[bool]):  # noqa: N801  named like a SQL function
    """A condition that SQLite does not search by: it has no statistics, and might choose an index for it over a much
    more selective one."""

    type = Boolean()
    inherit_cache = True


@compiles(tested_per_row, "sqlite")
def _tested_per_row_on_sqlite(element: tested_per_row, compiler: SQLCompiler, **options: Any) -> str:
    return f"+({compiler.process(element.clauses, **options)})"


@compiles(tested_per_row, "postgresql")
def _tested_per_row_on_postgresql(element: tested_per_row, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


class microseconds_of(FunctionElement[int]):  # noqa: N801  named like a SQL function
    """A timestamp as microseconds since 1970, or on SQLite whatever value is stored."""

    type = BigInteger()
    inherit_cache = True


@compiles(microseconds_of, "sqlite")
def _microseconds_on_sqlite(element: microseconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(microseconds_of, "postgresql")
def _microseconds_on_postgresql(element: microseconds_of, compiler: SQLCompiler, **options: Any) -> str:
    timestamp = compiler.process(element.clauses, **options)
    return f"CAST(extract(epoch FROM {timestamp}) * 1000000 AS bigint)"


class timestamp_of(FunctionElement[datetime]):  # noqa: N801  named like a SQL function
    """The timestamp for a number of microseconds since 1970."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(timestamp_of, "sqlite")
def _timestamp_on_sqlite(element: timestamp_of, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(timestamp_of, "postgresql")
def _timestamp_on_postgresql(element: timestamp_of, compiler: SQLCompiler, **options: Any) -> str:
    number = compiler.process(element.clauses, **options)
    # A double is exact to the microsecond for about 285 years from 1970.
    return f"to_timestamp(CAST({number} AS double precision) / 1000000)"


class json_pairs(FunctionElement[str]):  # noqa: N801  named like a SQL function
    """The aggregate of pairs of a text and an integer: a JSON array of arrays, as text. NULL or empty without rows."""

    type = Text()
    inherit_cache = True


@compiles(json_pairs, "sqlite")
def _json_pairs_on_sqlite(element: json_pairs, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(json_pairs, "postgresql")
def _json_pairs_on_postgresql(element: json_pairs, compiler: SQLCompiler, **options: Any) -> str:
    key, number = (compiler.process(clause, **options) for clause in element.clauses)
    # A sum of bigints is numeric; as a JSON number it must not get a fraction.
    return f"CAST(json_agg(json_build_array({key}, CAST({number} AS bigint))) AS text)"


class Ids(TypeDecorator[Sequence[int]]):
    """A list of ids of any length as a single parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = ARRAY(BigInteger)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(BigInteger))

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        return json.encode(value).decode() if dialect.name == "sqlite" else value


class Texts(Ids):
    """A list of texts in place of ids."""

    impl = ARRAY(Text)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Text))


class _Among(FunctionElement[bool]):
    # Untyped, since SQLAlchemy would render a boolean as `... = 1` on SQLite, which could not use an index then.
    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    id, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{id} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  no input


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    id, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{id} = ANY ({ids})"


def among(value: Any, listed: BindParameter[Any]) -> ColumnElement[bool]:
    """Return the condition that a value is in a parameter of type `Ids` or `Texts`."""
    return _Among(value, listed)
