"""Connections to a SQLite file, as the store uses them: one that answers queries, and the click writer's.

WAL with `synchronous=FULL`: readers never wait for the writer, and a commit that returned survives a power cut.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiosqlite
from sqlalchemy import Dialect

from db.engine.backend import driver_errors
from db.engine.sqlite.checkpoints import Checkpoints
from db.engine.sqlite.database_file import DatabaseFile
from db.engine.sqlite.pooled_connection import empty_log, open_file
from db.engine.sqlite.trigger_batch import TriggerBatch
from db.engine.sqlite.worker_thread import WorkerThread
from db.errors import SchemaOutdated
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery

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
# With it SQLite opens the write-ahead log, and finds out whether the file is a database at all.
FIRST_READ = "SELECT count(*) FROM sqlite_master"


class SqliteSource:
    """A connection in a transaction, whose rows need SQLAlchemy's types but not its way of reading them."""

    def __init__(self, driver: aiosqlite.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    async def fetch(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        return compiled.rows(await self._driver.execute_fetchall(compiled.sql, compiled.arguments(values)))


class SqliteWriteConnection:
    """A transaction of several statements runs on the event loop: the lock on the file is already held, so none of them
    waits for another writer, and few for the disk. What does wait, for that lock or for a commit, runs in a thread; so
    does what is a transaction of its own, and a query."""

    def __init__(self, file: DatabaseFile, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._connection = open_file(file, self._prepare, self)
        self._checkpoints = Checkpoints(file)
        self._worker = WorkerThread("sqlite-writer")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        set_up(connection)
        # What runs on the event loop waits for nobody.
        connection.execute("PRAGMA busy_timeout = 0")
        _check_revision(connection, self._file)
        self._trigger_batch = TriggerBatch(connection)

    async def read(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        arguments = compiled.arguments(values)
        return compiled.rows(
            await self._worker.run(lambda: self._connection.execute(compiled.sql, arguments).fetchall())
        )

    def fence(self, writer_id: int | None) -> None:
        """Do nothing: a file has one writer."""

    async def begin(self, wait_seconds: float | None = None) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            await self._worker.run(lambda: self._begin_in_turn(BUSY_SECONDS if wait_seconds is None else wait_seconds))

    async def _alone(self, step: Callable[[], object]) -> None:
        """Run a step that is a transaction of its own."""
        try:
            await self._worker.run(lambda: self._checked(step))
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            await self._worker.run(self._begin_in_turn)
            await self._worker.run(step)
            await self._worker.run(lambda: self._checked(self._connection.commit))

    def _checked(self, commit: Callable[[], object]) -> None:
        """Run a step that commits, into the file that is there."""
        commit()
        self._file.check(may_wait=True)

    def _begin_in_turn(self, seconds: float = BUSY_SECONDS) -> None:
        """Wait for another process to finish writing."""
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    async def fetch(self, statement: BatchStatement, keys: Sequence[RowValues]) -> Sequence[RowValues]:
        run = self._connection.execute
        return [row for key in statement.rows(keys) for row in run(statement.sql, key).fetchall()]

    async def execute(self, *work: StatementRows) -> None:
        for statement, rows in work:
            if rows:
                self._connection.executemany(statement.sql, statement.rows(rows))

    async def command(self, sql: str) -> None:
        self._connection.execute(sql)

    async def commit(self, *work: StatementRows) -> None:
        if self._connection.in_transaction:
            await self.execute(*work)
            await self._worker.run(lambda: self._checked(self._connection.commit))
        elif any(rows for _, rows in work):
            await self._alone(self._trigger_batch.of(*work))
        self._checkpoints.go_on()

    async def rollback(self) -> None:
        await self._worker.run(self._connection.rollback)

    async def close(self) -> None:
        try:
            await self._worker.run(self._close)
        finally:
            self._worker.stop()
            self._checkpoints.close()

    def _close(self) -> None:
        empty_log(self._connection, self._file)
        with suppress(sqlite3.Error):  # of a broken file there is nothing left to give up
            self._connection.close()
        self._file.closed(self)


def _check_revision(connection: sqlite3.Connection, file: DatabaseFile) -> None:
    """Raise `SchemaOutdated` if a file was put in the place of another one with another schema."""
    try:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    except sqlite3.OperationalError:
        if file.revision is not None:
            raise
        return
    if file.revision not in (None, found):
        raise SchemaOutdated(f"the file that is now at {file.path} has the schema {found}, not {file.revision}")
    file.revision = found


def _is_busy(error: sqlite3.Error) -> bool:
    return driver_errors.of_sqlite(error) is driver_errors.LOCKED


def set_up(connection: sqlite3.Connection) -> None:
    """Set a new connection up, and find out whether its file is a database."""
    for statement in (*PRAGMAS, FIRST_READ):
        connection.execute(statement)
