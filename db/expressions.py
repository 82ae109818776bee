"""SQL expressions that the two databases spell differently: moments, addresses, and a table made of a parameter.

Each compiles to the dialect's own words, so that a statement is written once.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Text, bindparam, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias

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


class TimeRange(NamedTuple):
    """A range of time, its end excluded, whose clicks belong to one bucket of a report: those in rollups of a span, or
    with a span of 0 those in the events."""

    bucket: int
    span_seconds: int
    start_at: datetime
    end_at: datetime


class _ranges(FunctionElement[Any]):  # noqa: N801  a function in SQL
    """The rows of a JSON parameter that `range_values` wrote."""

    inherit_cache = True


@compiles(_ranges, "sqlite")
def _ranges_on_sqlite(element: _ranges, compiler: SQLCompiler, **options: Any) -> str:
    items = (f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(TimeRange._fields))
    json_text = compiler.process(element.clauses, **options)
    return f"(SELECT {', '.join(items)} FROM json_each({json_text}))"  # noqa: S608  names of our own


@compiles(_ranges, "postgresql")
def _ranges_on_postgresql(element: _ranges, compiler: SQLCompiler, **options: Any) -> str:
    types = ("integer", "integer", "timestamp AT TIME ZONE 'UTC'", "timestamp AT TIME ZONE 'UTC'")
    items = (
        f"(item ->> {at})::{type} AS {name}"
        for at, (name, type) in enumerate(zip(TimeRange._fields, types, strict=True))
    )
    json_text = compiler.process(element.clauses, **options)
    return f"(SELECT {', '.join(items)} FROM jsonb_array_elements({json_text}::jsonb) AS items (item))"  # noqa: S608  likewise


def ranges_table() -> TableValuedAlias:
    """Return a table with the columns of `TimeRange`, whose rows are given as the parameter `ranges`."""
    moments = (column(name, UtcDateTime) for name in ("start_at", "end_at"))
    columns: list[ColumnElement[Any]] = [column("bucket", Integer), column("span_seconds", Integer), *moments]
    return _ranges(bindparam("ranges", type_=Text)).table_valued(*columns, name="ranges")


def range_values(ranges: Iterable[TimeRange]) -> dict[str, str]:
    """Return the parameter of `ranges_table`."""
    rows = [(bucket, span, _text(start), _text(end)) for bucket, span, start, end in ranges]
    return {"ranges": json.dumps(rows)}


def _text(moment: datetime) -> str:
    """Return a moment as SQLite stores it, where it is compared as text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
