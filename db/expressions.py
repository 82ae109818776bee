"""SQL expressions that the two databases spell differently: moments, addresses, and a table made of a parameter.

Each compiles to the dialect's own words, so that a statement is written once.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    Integer,
    Text,
    TypeDecorator,
    bindparam,
    column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from db.columns import UtcDateTime, text

QUARTER_SECONDS = 900


class quarter_of(FunctionElement[datetime]):  # noqa: N801  a function in SQL
    """The start of the quarter of an hour, in UTC, in which a moment lies."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(quarter_of, "sqlite")
def _quarter_on_sqlite(element: quarter_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    # Without its fraction of a second, which SQLite would round up.
    seconds = f"CAST(strftime('%s', substr({moment}, 1, 19)) AS INTEGER)"
    return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds} / {QUARTER_SECONDS} * {QUARTER_SECONDS}, 'unixepoch')"


@compiles(quarter_of, "postgresql")
def _quarter_on_postgresql(element: quarter_of, compiler: SQLCompiler, **options: Any) -> str:
    moment = compiler.process(element.clauses, **options)
    return f"date_bin(interval '{QUARTER_SECONDS} seconds', {moment}, timestamptz '1970-01-01 00:00:00+00')"


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


class TimeRange(NamedTuple):
    """A range of time, its end excluded, whose clicks belong to one bucket of a report: those in rollups of a span, or
    with a span of 0 those in the events."""

    bucket: int
    span_seconds: int
    start_at: datetime
    end_at: datetime


class _Ranges(FunctionElement[Any]):
    """The rows of a JSON parameter that `range_values` wrote."""

    inherit_cache = True


@compiles(_Ranges, "sqlite")
def _ranges_on_sqlite(element: _Ranges, compiler: SQLCompiler, **options: Any) -> str:
    items = (f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(TimeRange._fields))
    json_text = compiler.process(element.clauses, **options)
    return f"(SELECT {', '.join(items)} FROM json_each({json_text}))"  # noqa: S608  names of our own


@compiles(_Ranges, "postgresql")
def _ranges_on_postgresql(element: _Ranges, compiler: SQLCompiler, **options: Any) -> str:
    types = ("integer", "integer", "timestamp AT TIME ZONE 'UTC'", "timestamp AT TIME ZONE 'UTC'")
    items = (
        f"(item ->> {at})::{type} AS {name}"
        for at, (name, type) in enumerate(zip(TimeRange._fields, types, strict=True))
    )
    json_text = compiler.process(element.clauses, **options)
    return f"(SELECT {', '.join(items)} FROM jsonb_array_elements({json_text}::jsonb) AS items (item))"  # noqa: S608  likewise


class _Bucket(FunctionElement[int]):
    type = Integer()
    inherit_cache = True


@compiles(_Bucket, "sqlite")
def _bucket_on_sqlite(element: _Bucket, compiler: SQLCompiler, **options: Any) -> str:
    bucket, _, _ = element.clauses
    return compiler.process(bucket, **options)


@compiles(_Bucket, "postgresql")
def _bucket_on_postgresql(element: _Bucket, compiler: SQLCompiler, **options: Any) -> str:
    _, moment, edges = (compiler.process(clause, **options) for clause in element.clauses)
    # The edges become moments once; to make each moment a number would take longer than to find its row.
    seconds = f"unnest(CAST({edges} AS double precision[])) WITH ORDINALITY AS edges (edge, place)"
    moments = f"SELECT to_timestamp(edge) FROM {seconds} ORDER BY place"  # noqa: S608  likewise
    return f"width_bucket({moment}, ARRAY({moments})) - 1"


def ranges_table() -> TableValuedAlias:
    """Return a table with the columns of `TimeRange`, whose rows `range_values` gives."""
    moments = (column(name, UtcDateTime) for name in ("start_at", "end_at"))
    columns: list[ColumnElement[Any]] = [column("bucket", Integer), column("span_seconds", Integer), *moments]
    return _Ranges(bindparam("ranges", type_=Text)).table_valued(*columns, name="ranges")


def bucket_of(moment: Any, ranges: TableValuedAlias) -> ColumnElement[int]:
    """Return the number of the bucket in which a moment lies that is in a row of `ranges_table`."""
    # As a text: the driver takes longer to write down an array than all the rest. Each is the double that is nearest.
    return _Bucket(ranges.c.bucket, moment, bindparam("edges", type_=Text))


def range_values(edges: Sequence[datetime], ranges: Sequence[TimeRange], *, is_sqlite: bool) -> dict[str, Any]:
    """Return the parameters of a statement with `ranges_table`: buckets lie between `edges`, and `ranges`, in their
    order, are what they are made of. SQLite goes through the ranges and looks each one up; PostgreSQL finds more at
    once, and in which bucket it belongs, where ranges that touch are one."""
    if not is_sqlite:
        ranges = list(_joined(ranges))
    rows = [(bucket, span, _text(start), _text(end)) for bucket, span, start, end in ranges]
    seconds = ",".join(str(edge.timestamp()) for edge in edges)
    return {"ranges": json.dumps(rows), "edges": f"{{{seconds}}}"}


def _joined(ranges: Iterable[TimeRange]) -> Iterator[TimeRange]:
    former: TimeRange | None = None
    for one in ranges:
        if former is not None and (former.span_seconds, former.end_at) == (one.span_seconds, one.start_at):
            former = former._replace(end_at=one.end_at)
            continue
        if former is not None:
            yield former
        former = one
    if former is not None:
        yield former


def _text(moment: datetime) -> str:
    """Return a moment as SQLite stores it, where it is compared as text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
