"""The embedded SQLite database: its engine, the click writer's connection, and what its errors mean.

WAL with `synchronous=FULL`: readers never wait for the writer, and a commit that returned survives a power cut.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import aiosqlite
from sqlalchemy import URL, Connection, Dialect, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from db.checkpoints import Checkpoints
from db.database import Fault
from db.errors import UnusableDatabase
from db.one_step import OneStep
from db.queries import Query
from db.statements import Row, Statement, Work
from db.worker import Worker

# Long enough for another process's migration of a small file or its VACUUM, short enough that a tracker still waits.
BUSY_SECONDS = 5
LOG_BYTES = 128 * 1024 * 1024
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    # The click writer copies the log back into the file beside its commits. The default, a commit that does it itself
    # after each 1000 pages, made clicks twice as slow; now one has little left to copy, once the log is this long.
    f"PRAGMA wal_autocheckpoint = {LOG_BYTES // 4096}",
    # After a burst, the write-ahead log shrinks back to this.
    f"PRAGMA journal_size_limit = {LOG_BYTES}",
)
WRITES, COPIES_TABLES = "clickgate_writes", "clickgate_copies_tables"
# Extended codes such as SQLITE_IOERR_FSYNC carry the primary one in their lowest byte.
PRIMARY_CODE = 0xFF
AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class SqliteDatabase:
    """A database file. Everything in a process that writes takes turns, see `db.store`."""

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:" or url.query.get("mode") == "memory":
            raise UnusableDatabase("clickgate keeps clicks: SQLite needs a file, not a database in memory")
        self._path = url.database
        if not Path(self._path).absolute().parent.is_dir():
            raise UnusableDatabase(f"the folder of the SQLite file {self._path} does not exist")
        # Without an isolation level the driver begins no transactions of its own accord, and a read gets its snapshot.
        self.engine = create_async_engine(url, connect_args={"isolation_level": None})
        event.listen(self.engine.sync_engine, "connect", _set_up)
        event.listen(self.engine.sync_engine, "begin", _begin)

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        async with self.snapshot() as source:
            return await source.fetch(query, values)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["SqliteSource"]:
        async with self.engine.connect() as connection, connection.begin():
            pooled = await connection.get_raw_connection()
            yield SqliteSource(cast(aiosqlite.Connection, pooled.driver_connection), self.engine.dialect)

    async def connect_writer(self) -> "SqliteWriteConnection":
        return await asyncio.to_thread(SqliteWriteConnection, self._path, self.engine.dialect)

    def drop_idle(self) -> None:
        """Do nothing: a file does not fall silent."""

    async def close(self) -> None:
        await self.engine.dispose()

    def fault(self, error: BaseException) -> Fault:
        cause = error.orig if isinstance(error, DBAPIError) else error
        match cause:
            case sqlite3.IntegrityError() | sqlite3.DataError() | OverflowError() | ValueError():
                return Fault.ROW
            case sqlite3.Error() if getattr(cause, "sqlite_errorcode", 0) & PRIMARY_CODE in AWAY:
                return Fault.AWAY
            case OSError():
                return Fault.AWAY
        return Fault.UNKNOWN


class SqliteSource:
    """A connection in a transaction, whose rows need SQLAlchemy's types but not its way of reading them."""

    def __init__(self, driver: aiosqlite.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        return compiled.rows(await self._driver.execute_fetchall(compiled.sql, compiled.arguments(values)))


class SqliteWriteConnection:
    """A transaction of several statements runs on the event loop: the lock on the file is already held, so none of them
    waits for another writer, and few for the disk. What does wait, for that lock or for a commit, runs in a thread; so
    does what is a transaction of its own, and a query."""

    def __init__(self, path: str, dialect: Dialect) -> None:
        self._dialect = dialect
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in PRAGMAS:
            self._connection.execute(pragma)
        # What runs on the event loop waits for nobody.
        self._connection.execute("PRAGMA busy_timeout = 0")
        self._one_step = OneStep(self._connection)
        self._checkpoints = Checkpoints(path)
        self._worker = Worker("sqlite-writer")

    async def read(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        arguments = compiled.arguments(values)
        return compiled.rows(
            await self._worker.run(lambda: self._connection.execute(compiled.sql, arguments).fetchall())
        )

    def fence(self, writer_id: int | None) -> None:
        """Do nothing: a file has one writer."""

    async def begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            await self._worker.run(self._begin_in_turn)

    async def _alone(self, step: Callable[[], object]) -> None:
        """Run a step that is a transaction of its own."""
        try:
            await self._worker.run(step)
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            await self._worker.run(self._begin_in_turn)
            await self._worker.run(step)
            await self._worker.run(self._connection.commit)

    def _begin_in_turn(self) -> None:
        """Wait for another process to finish writing."""
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    async def fetch(self, statement: Statement, keys: Sequence[Row]) -> Sequence[Row]:
        run = self._connection.execute
        return [row for key in statement.rows(keys) for row in run(statement.sql, key).fetchall()]

    async def execute(self, *work: Work) -> None:
        for statement, rows in work:
            if rows:
                self._connection.executemany(statement.sql, statement.rows(rows))

    async def command(self, sql: str) -> None:
        self._connection.execute(sql)

    async def commit(self, *work: Work) -> None:
        if self._connection.in_transaction:
            await self.execute(*work)
            await self._worker.run(self._connection.commit)
        elif any(rows for _, rows in work):
            await self._alone(self._one_step.of(*work))
        self._checkpoints.go_on()

    async def rollback(self) -> None:
        await self._worker.run(self._connection.rollback)

    async def close(self) -> None:
        try:
            with suppress(sqlite3.Error):  # of a broken file there is nothing left to give up
                await self._worker.run(self._connection.close)
        finally:
            self._worker.stop()
            self._checkpoints.close()


def _is_busy(error: sqlite3.Error) -> bool:
    return error.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_BUSY


def _set_up(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(COPIES_TABLES):
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")
