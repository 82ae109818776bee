"""PostgreSQL connections on the driver directly: one for compiled queries, and the click writer's.

Using the driver directly saves more than half of SQLAlchemy's cost per row.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from msgspec.json import encode
from sqlalchemy import Dialect

from db.errors import WriterGone
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery, Query

# A session caches the plans of its foreign-key checks, perhaps from when the tables were empty and every index looked
# equally good. Until autovacuum has gathered statistics, a minute later, such a check would scan all of a program's
# customers.
REPLAN_BATCHES = 100
PARAMETER = re.compile(r"\$(\d+)")
# Combinations of a batch's statements, such as with and without returning customers.
STATEMENTS = 64


class PostgresSource:
    """Runs compiled queries in a connection's transaction."""

    def __init__(self, driver: asyncpg.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        return compiled.rows(await self._driver.fetch(compiled.sql, *compiled.arguments(values)))


class PostgresWriteConnection:
    """The click writer's connection. The statements of one call are combined into a single one, with their rows as
    JSON, and so take a single round trip."""

    def __init__(self, connection: asyncpg.Connection, dialect: Dialect, *, is_cluster: bool = False) -> None:
        self._driver = connection
        self._is_cluster = is_cluster
        self._source = PostgresSource(connection, dialect)
        self._batches = 0
        self._fence = ""

    async def read(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        return await self._source.fetch(query, values)

    def fence(self, writer_id: int | None) -> None:
        # An integer of our own. As a parameter it would be encoded for each batch.
        self._fence = "" if writer_id is None else f"SELECT id FROM click_writers WHERE id = {writer_id} FOR KEY SHARE"  # noqa: S608  no input

    @property
    def is_in_transaction(self) -> bool:
        return self._driver.is_in_transaction()

    async def begin(self, wait_seconds: float | None = None) -> None:
        wait = "" if wait_seconds is None else f"; SET LOCAL lock_timeout = {round(wait_seconds * 1000)}"
        await self._driver.execute("BEGIN" + wait)
        if self._fence and not await self._driver.fetch(self._fence):
            raise WriterGone

    async def fetch(self, statement: BatchStatement, keys: Sequence[RowValues]) -> Sequence[RowValues]:
        if not keys:
            return []
        *before, sql = (self._is_cluster and statement.on_cluster) or (statement.sql,)
        given = _json(statement, keys)
        for each in before:
            await self._driver.execute(each, given)
        return [tuple(row) for row in await self._driver.fetch(sql, given)]

    async def execute(self, *work: StatementRows) -> None:
        work = tuple((statement, rows) for statement, rows in work if rows)
        if work:
            given = (_json(statement, rows) for statement, rows in work)
            sql = _together(tuple(statement.sql for statement, _ in work), self._fence)
            try:
                await self._driver.execute(sql, *given)
            except asyncpg.DivisionByZeroError as error:
                raise WriterGone from error

    async def command(self, sql: str) -> None:
        await self._driver.execute(sql)

    async def commit(self, *work: StatementRows) -> None:
        if self.is_in_transaction:
            await self.execute(*work)
            await self._driver.execute("COMMIT")
            return
        self._batches += 1
        if self._batches % REPLAN_BATCHES == 0:
            await self._driver.execute("DISCARD PLANS")
        await self.execute(*work)

    async def rollback(self) -> None:
        if self.is_in_transaction:  # a batch that is a single statement leaves none open
            await self._driver.execute("ROLLBACK")

    async def close(self) -> None:
        # Terminated rather than closed: an unresponsive server would not answer.
        self._driver.terminate()


def _json(statement: BatchStatement, rows: Sequence[RowValues]) -> str:
    return encode(statement.rows(rows)).decode()


@lru_cache(STATEMENTS)
def _together(statements: tuple[str, ...], fence: str) -> str:
    """Combine statements into one whose parameters are theirs in order. If the fence's query finds no row, it fails
    with a division by zero and changes nothing.

    The fence's row is locked first. Schema upgrades lock its table first too, so the two cannot deadlock.
    """
    parts: list[str] = [f"fence AS ({fence})"] if fence else []
    given = 0
    for sql in statements:
        pieces = PARAMETER.split(sql)
        numbers = [int(number) for number in pieces[1::2]]
        pieces[1::2] = [f"${given + number}" for number in numbers]
        parts.append(f"part_{len(parts)} AS ({''.join(pieces)})")
        given += max(numbers)
    found = " 1 / (SELECT count(*) FROM fence)" if fence else ""
    return f"WITH {', '.join(parts)} SELECT{found}"
