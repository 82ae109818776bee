"""Connections to PostgreSQL, as the store uses them: one that answers queries, and the click writer's."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg
from msgspec.json import encode
from sqlalchemy import Dialect

from db.errors import WriterGone
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery

# A session keeps the plans of its foreign keys' checks, made perhaps when the tables were empty and any index as good
# as another; until statistics are gathered, a minute later, each check would read all of a program's customers.
REPLAN_BATCHES = 100
PARAMETER = re.compile(r"\$(\d+)")
# Combinations of a batch's statements: with and without returning customers, and such.
STATEMENTS = 64


class PostgresSource:
    """A connection in a transaction."""

    def __init__(self, driver: asyncpg.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    async def fetch(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        return compiled.rows(await self._driver.fetch(compiled.sql, *compiled.arguments(values)))


class PostgresWriteConnection:
    """A connection of asyncpg's own, on which everything that is given together is one statement and one round trip:
    rows go as JSON, and statements as parts of one."""

    def __init__(self, connection: asyncpg.Connection, dialect: Dialect) -> None:
        self._driver = connection
        self._source = PostgresSource(connection, dialect)
        self._batches = 0
        self._fence = ""

    async def read(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        return await self._source.fetch(query, values)

    def fence(self, writer_id: int | None) -> None:
        # A number of ours; as a parameter, it would be encoded for each batch.
        self._fence = "" if writer_id is None else f"SELECT id FROM click_writers WHERE id = {writer_id} FOR KEY SHARE"  # noqa: S608  our own words

    async def begin(self, wait_seconds: float | None = None) -> None:
        wait = "" if wait_seconds is None else f"; SET LOCAL lock_timeout = {round(wait_seconds * 1000)}"
        await self._driver.execute("BEGIN" + wait)
        if self._fence and not await self._driver.fetch(self._fence):
            raise WriterGone

    async def fetch(self, statement: BatchStatement, keys: Sequence[RowValues]) -> Sequence[RowValues]:
        if not keys:
            return []
        return [tuple(row) for row in await self._driver.fetch(statement.sql, _json(statement, keys))]

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
        if self._driver.is_in_transaction():
            await self.execute(*work)
            await self._driver.execute("COMMIT")
            return
        self._batches += 1
        if self._batches % REPLAN_BATCHES == 0:
            await self._driver.execute("DISCARD PLANS")
        await self.execute(*work)

    async def rollback(self) -> None:
        if self._driver.is_in_transaction():  # a batch that was one statement has none left
            await self._driver.execute("ROLLBACK")

    async def close(self) -> None:
        # Not asked to end, but cut off: an unreachable server would not hear it.
        self._driver.terminate()


def _json(statement: BatchStatement, rows: Sequence[RowValues]) -> str:
    return encode(statement.rows(rows)).decode()


@lru_cache(STATEMENTS)
def _together(statements: tuple[str, ...], fence: str) -> str:
    """Return one statement that runs all of these, which take their parameters one after the other. It fails with a
    division by zero, and changes nothing, where the fence finds nothing.

    The fence is locked first: an upgrade of the schema locks its table first, too, and neither waits for the other
    while it holds what that one wants.
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
