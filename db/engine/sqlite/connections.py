"""SQLite connections on the driver directly: one for compiled queries, and the click writer's.

They use WAL mode with `synchronous=FULL`: readers never wait for the writer, and a commit that returned survives a
power failure.
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
from db.engine.sqlite.pooled_connection import empty_log
from db.engine.sqlite.trigger_batch import TriggerBatch
from db.engine.sqlite.worker_thread import WorkerThread
from db.errors import DatabaseUnavailable, SchemaOutdated
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery, Query

# Long enough for another process to migrate or vacuum a small file, short enough that a tracker is still waiting.
BUSY_SECONDS = 5
LOG_BYTES = 128 * 1024 * 1024
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}",
    # The click writer's checkpoints run in the background. SQLite's default, a checkpoint by the commit after every
    # 1000 pages, made clicks twice as slow; at this size, a commit has little left to copy.
    f"PRAGMA wal_autocheckpoint = {LOG_BYTES // 4096}",
    # The size to which the write-ahead log is truncated after a burst.
    f"PRAGMA journal_size_limit = {LOG_BYTES}",
)
# The first read opens the write-ahead log, and fails if the file is not a database.
FIRST_READ = "SELECT count(*) FROM sqlite_master"


class SqliteSource:
    """Runs compiled queries in a connection's transaction, bypassing SQLAlchemy's result handling."""

    def __init__(self, driver: aiosqlite.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        return compiled.rows(await self._driver.execute_fetchall(compiled.sql, compiled.arguments(values)))


class SqliteWriteConnection:
    """The click writer's connection. The statements of an open transaction run on the event loop: the transaction holds
    the file's lock, so none waits for another writer, and few wait for the disk. Anything that may block runs in a
    thread: waiting for the lock, commits, batches that are transactions of their own, and queries."""

    def __init__(self, file: DatabaseFile, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._connection = file.open(self._prepare)
        try:
            self._checkpoints = Checkpoints(file)
        except BaseException:
            self._close()
            raise
        self._worker = WorkerThread("sqlite-writer")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._file.revision = _checked_revision(connection, self._file)
        _configure(connection)
        # A statement on the event loop must not wait for a lock.
        connection.execute("PRAGMA busy_timeout = 0")
        self._trigger_batch = TriggerBatch(connection)

    async def read(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        arguments = compiled.arguments(values)
        return compiled.rows(
            await self._worker.run(lambda: self._connection.execute(compiled.sql, arguments).fetchall())
        )

    def fence(self, writer_id: int | None) -> None:
        """Do nothing: a SQLite file has a single writer."""

    @property
    def is_in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def begin(self, wait_seconds: float | None = None) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            await self._worker.run(lambda: self._begin_in_turn(BUSY_SECONDS if wait_seconds is None else wait_seconds))

    async def _alone(self, step: Callable[[], object]) -> None:
        """Run a step that is a transaction by itself."""
        try:
            await self._worker.run(lambda: self._checked(step))
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            await self._worker.run(self._begin_in_turn)
            await self._worker.run(step)
            await self._worker.run(lambda: self._checked(self._connection.commit))

    def _checked(self, commit: Callable[[], object]) -> None:
        """Run a step that commits, then check that the file is still the one at the path."""
        commit()
        self._file.check()

    def _begin_in_turn(self, seconds: float = BUSY_SECONDS) -> None:
        """Begin a transaction once another process has finished writing."""
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
        if self.is_in_transaction:
            await self.execute(*work)
            await self._worker.run(lambda: self._checked(self._connection.commit))
        elif any(rows for _, rows in work):
            await self._alone(self._trigger_batch.of(*work))
        self._checkpoints.start_if_due()

    async def rollback(self) -> None:
        await self._worker.run(self._connection.rollback)

    async def close(self) -> None:
        try:
            await self._worker.run(self._close)
        finally:
            self._worker.stop()
            await self._checkpoints.close()

    def _close(self) -> None:
        empty_log(self._connection, self._file)
        with suppress(sqlite3.Error):  # a damaged file cannot be closed properly
            self._connection.close()


def _checked_revision(connection: sqlite3.Connection, file: DatabaseFile) -> str | None:
    """Return the schema revision. Raises `SchemaOutdated` if the file was replaced by one with another schema, and
    `sqlite3.DatabaseError` if that is none of clickgate's."""
    try:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    except sqlite3.OperationalError:
        if file.revision is not None:
            raise
        return None
    if file.revision not in (None, found):
        raise SchemaOutdated(f"{file.path} was replaced by a file with the schema {found} instead of {file.revision}")
    return found


def _is_busy(error: sqlite3.Error) -> bool:
    return driver_errors.of_sqlite(error) is driver_errors.LOCKED


def set_up_reader(connection: sqlite3.Connection, file: DatabaseFile) -> None:
    """Check and configure a new pooled connection. Raises `DatabaseUnavailable` if the file was replaced by one with
    another schema, and `sqlite3.DatabaseError` if it is not a database."""
    try:
        _checked_revision(connection, file)
    except SchemaOutdated as error:
        raise DatabaseUnavailable(str(error), driver_errors.OTHER_SCHEMA.reason) from error
    _configure(connection)


def _configure(connection: sqlite3.Connection) -> None:
    for statement in (*PRAGMAS, FIRST_READ):
        connection.execute(statement)
