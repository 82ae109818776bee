"""SQL expressions that the two databases spell differently: moments, addresses, and ids given as one parameter.

Each compiles to the dialect's own words, so that a statement is written once.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    Text,
    TypeDecorator,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from db.schema.columns import UtcDateTime, text

QUARTER_SECONDS = 900


class quarter_of(FunctionElement[datetime]):  # noqa: N801  a function in SQL
    """The start of the quarter of an hour, in UTC, in which a moment lies."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(quarter_of, "sqlite")
def _quarter_on_sqlite(element: quarter_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    quarter = QUARTER_SECONDS * 1_000_000
    return f"({moment} / {quarter} * {quarter})"


@compiles(quarter_of, "postgresql")
def _quarter_on_postgresql(element: quarter_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"date_bin(interval '{QUARTER_SECONDS} seconds', {moment}, timestamptz '1970-01-01 00:00:00+00')"


class quarter_number(FunctionElement[int]):  # noqa: N801  a function in SQL
    """The number of the quarter of an hour, since 1970, in which a moment lies."""

    type = BigInteger()
    inherit_cache = True


@compiles(quarter_number, "sqlite")
def _quarter_number_on_sqlite(element: quarter_number, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} / {QUARTER_SECONDS * 1_000_000}"


@compiles(quarter_number, "postgresql")
def _quarter_number_on_postgresql(element: quarter_number, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(floor(date_part('epoch', {moment}) / {QUARTER_SECONDS}) AS bigint)"


class microseconds_of(FunctionElement[int]):  # noqa: N801  a function in SQL
    """A moment as microseconds since 1970: on SQLite, whatever is stored."""

    type = BigInteger()
    inherit_cache = True


@compiles(microseconds_of, "sqlite")
def _microseconds_on_sqlite(element: microseconds_of, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(microseconds_of, "postgresql")
def _microseconds_on_postgresql(element: microseconds_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"CAST(extract(epoch FROM {moment}) * 1000000 AS bigint)"


class moment_of(FunctionElement[datetime]):  # noqa: N801  a function in SQL
    """A moment, from microseconds since 1970."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(moment_of, "sqlite")
def _moment_on_sqlite(element: moment_of, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(moment_of, "postgresql")
def _moment_on_postgresql(element: moment_of, compiler: SQLCompiler, **options: Any) -> str:
    number = compiler.process(element.clauses, **options)
    # A double counts microseconds exactly for some 285 years from 1970.
    return f"to_timestamp(CAST({number} AS double precision) / 1000000)"


class without_query(FunctionElement[str]):  # noqa: N801  a function in SQL
    """A URL up to its query string or fragment."""

    type = text(2048)
    inherit_cache = True


@compiles(without_query, "sqlite")
def _without_query_on_sqlite(element: without_query, compiler: SQLCompiler, **options: Any) -> str:
    url = compiler.process(element.clauses, **options)
    for mark in "?#":
        url = f"substr({url}, 1, instr({url} || '{mark}', '{mark}') - 1)"
    return url


@compiles(without_query, "postgresql")
def _without_query_on_postgresql(element: without_query, compiler: SQLCompiler, **options: Any) -> str:
    return f"split_part(split_part({compiler.process(element.clauses, **options)}, '?', 1), '#', 1)"


class Ids(TypeDecorator[Sequence[int]]):
    """Ids given as one parameter, however many there are: an array on PostgreSQL, JSON on SQLite."""

    impl = ARRAY(BigInteger)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(BigInteger))

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        return json.dumps(value) if dialect.name == "sqlite" else value


class _Among(FunctionElement[bool]):
    # Without a type: a boolean one would be compared with 1 on SQLite, whose indexes then find nothing by it.
    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    id, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{id} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  names of our own


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    id, ids = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{id} = ANY ({ids})"


def among(id: Any, ids: BindParameter[Sequence[int]]) -> ColumnElement[bool]:
    """Return whether an id is one of those given as a parameter of type `Ids`."""
    return _Among(id, ids)
