"""Numbers of transactions in a statement's snapshot, by which a reader of PostgreSQL knows what may still be committed.

SQLite has one writer at a time and needs none of this: both are 0 there.
"""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class oldest_running(FunctionElement[int]):  # noqa: N801  a function in SQL
    """The lowest number of a transaction that had not ended, or the next number."""

    type = BigInteger()
    inherit_cache = True


class next_number(FunctionElement[int]):  # noqa: N801  a function in SQL
    """A number above those of all transactions that had begun."""

    type = BigInteger()
    inherit_cache = True


@compiles(oldest_running, "sqlite")
@compiles(next_number, "sqlite")
def _nothing(element: FunctionElement[int], compiler: SQLCompiler, **options: Any) -> str:
    return "0"


@compiles(oldest_running, "postgresql")
def _oldest_running(element: oldest_running, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"


@compiles(next_number, "postgresql")
def _next_number(element: next_number, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
