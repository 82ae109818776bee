"""SQL functions for the values of dimensions, which compile differently for SQLite and PostgreSQL.

Segments compute the same values in Python and in Polars; lists of clicks read them from the events.
"""

from typing import Any

from sqlalchemy import BigInteger, BindParameter, Boolean, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

HOUR, DAY = 3_600_000_000, 86_400_000_000
HOURS, DAYS = 24, 7
# 1970-01-01 was a Thursday.
FIRST_DAY = 3


class page_of_url(FunctionElement[str]):  # noqa: N801  named like a SQL function
    """A URL without its query and fragment, cut to a length that is given as a number."""

    type = Text()
    inherit_cache = True


@compiles(page_of_url, "sqlite")
def _page_on_sqlite(element: page_of_url, compiler: SQLCompiler, **options: Any) -> str:
    url, length = (compiler.process(clause, **options) for clause in element.clauses)
    return f"substr({url}, 1, min(instr({url} || '?', '?') - 1, instr({url} || '#', '#') - 1, {length}))"


@compiles(page_of_url, "postgresql")
def _page_on_postgresql(element: page_of_url, compiler: SQLCompiler, **options: Any) -> str:
    url, length = (compiler.process(clause, **options) for clause in element.clauses)
    return f"left({url}, least(strpos({url} || '?', '?') - 1, strpos({url} || '#', '#') - 1, {length}))"


class _LocalMicroseconds(FunctionElement[int]):
    """A time in microseconds since 1970, by clocks whose offsets are a list, and so are the times from which these
    apply."""

    type = BigInteger()
    inherit_cache = True


@compiles(_LocalMicroseconds, "sqlite")
def _local_on_sqlite(element: _LocalMicroseconds, compiler: SQLCompiler, **options: Any) -> str:
    at, starts, offsets = (compiler.process(clause, **options) for clause in element.clauses)
    number = f"(SELECT count(*) - 1 FROM json_each({starts}) WHERE value <= {at})"  # noqa: S608  no input
    return f"({at} + json_extract({offsets}, '$[' || {number} || ']'))"


@compiles(_LocalMicroseconds, "postgresql")
def _local_on_postgresql(element: _LocalMicroseconds, compiler: SQLCompiler, **options: Any) -> str:
    at, starts, offsets = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({at} + ({offsets})[width_bucket({at}, {starts})])"


def local_hour(at: Any, starts: BindParameter[Any], offsets: BindParameter[Any]) -> ColumnElement[int]:
    """Return the hour of the day, from 0 to 23, of a time in microseconds since 1970."""
    return _LocalMicroseconds(at, starts, offsets) // HOUR % HOURS


def local_weekday(at: Any, starts: BindParameter[Any], offsets: BindParameter[Any]) -> ColumnElement[int]:
    """Return the day of the week, from 0 for Monday to 6, of a time in microseconds since 1970."""
    return (_LocalMicroseconds(at, starts, offsets) // DAY + FIRST_DAY) % DAYS


class among_found(FunctionElement[bool]):  # noqa: N801  named like a SQL function
    """The condition that an id is one of those that a subquery finds. It is tested per row: neither database chooses an
    index for it, or a join, after which the rows would have to be sorted."""

    type = Boolean()
    inherit_cache = True


@compiles(among_found, "sqlite")
def _among_found_on_sqlite(element: among_found, compiler: SQLCompiler, **options: Any) -> str:
    id, found = (compiler.process(clause, **options) for clause in element.clauses)
    return f"+({id} IN {found})"


@compiles(among_found, "postgresql")
def _among_found_on_postgresql(element: among_found, compiler: SQLCompiler, **options: Any) -> str:
    id, found = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({id} + 0 = ANY (ARRAY{found}))"
