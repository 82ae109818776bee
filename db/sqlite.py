"""The embedded SQLite database: its engine, the click writer's connection, and what its errors mean.

WAL with `synchronous=FULL`: readers never wait for the writer, and a commit that returned survives a power cut.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any, cast

import aiosqlite
from sqlalchemy import URL, Connection, Dialect, event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from db import outages
from db.checkpoints import Checkpoints
from db.database import Fault, Verdict
from db.errors import SchemaOutdated, StoreError, UnusableDatabase
from db.file_identity import DatabaseFile, OtherFile
from db.one_step import OneStep
from db.pool_usage import PoolUsage, Waiting, usage_of
from db.queries import Query
from db.sqlite_pool import PooledConnection, empty_log, open_file
from db.statements import Row, Statement, Work
from db.worker import Worker

# Long enough for another process's migration of a small file or its VACUUM, short enough that a tracker still waits.
BUSY_SECONDS = 5
# As long as all links may take to be read. While a query runs, the write-ahead log only grows.
SNAPSHOT_SECONDS = 60
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
READING_PRAGMAS = ("PRAGMA query_only = ON", f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
WRITES = "clickgate_writes"
POOL = "clickgate_pool"
# Errors that are not SQLite's own.
LOCAL_ERRORS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (OtherFile, outages.OTHER_FILE),
    (PoolTimeout, outages.CROWDED),
    (TimeoutError, outages.SILENT),
    (OSError, outages.UNREACHABLE),
    (sqlite3.IntegrityError, outages.ROW),
    (sqlite3.DataError, outages.ROW),
    (OverflowError, outages.ROW),
    (ValueError, outages.ROW),
)


class SqliteDatabase:
    """A database file. Everything in a process that writes takes turns, see `db.store`.

    With `reading_uri`, see `db.sqlite_files`, the file is only read, by that URI.
    """

    def __init__(self, url: URL, *, reading_uri: str | None = None) -> None:
        self._path = str(checked_path(url))
        self._reading_uri = reading_uri
        self._file = DatabaseFile(self._path)
        self.waiting = Waiting()
        self._dropping: asyncio.Task[None] | None = None
        self.engine = create_async_engine(url, async_creator=self._connect, hide_parameters=True)
        event.listen(self.engine.sync_engine, "checkout", self._check_file)
        event.listen(self.engine.sync_engine, "checkin", self._returned)
        event.listen(self.engine.sync_engine, "invalidate", self._invalidated)
        event.listen(self.engine.sync_engine, "begin", self._begin)

    def source(self, driver: Any) -> "SqliteSource":
        return SqliteSource(driver, self.engine.dialect)

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        async with self.snapshot() as source:
            return await source.fetch(query, values)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["SqliteSource"]:
        async with AsyncExitStack() as stack:
            with self.waiting.one_more():
                connection = await stack.enter_async_context(self.engine.connect())
            await stack.enter_async_context(connection.begin())
            pooled = await connection.get_raw_connection()
            driver = cast(aiosqlite.Connection, pooled.driver_connection)
            loop = asyncio.get_running_loop()
            limit = loop.call_later(SNAPSHOT_SECONDS, lambda: loop.create_task(driver.interrupt()))
            try:
                yield SqliteSource(driver, self.engine.dialect)
            finally:
                limit.cancel()

    @property
    def contents(self) -> int:
        return self._file.adoptions

    async def is_stale(self, connection: AsyncConnection) -> bool:
        return False  # every error that comes of it has the connection closed

    async def limit_waiting(self, connection: AsyncConnection) -> None:
        """Do nothing: the busy timeout of each connection does."""

    async def connect_writer(self) -> "SqliteWriteConnection":
        self._file.check_before_opening()
        return await asyncio.to_thread(SqliteWriteConnection, self._file, self.engine.dialect)

    def pools(self) -> Sequence[PoolUsage]:
        return [usage_of(self.engine, self.waiting)]

    def log_bytes(self) -> int:
        return self._file.log_bytes()

    def drop_idle(self) -> None:
        """Close them soon."""
        if self._dropping is None or self._dropping.done():
            self._dropping = asyncio.ensure_future(self.engine.dispose())

    async def close(self) -> None:
        if self._dropping is not None:
            await asyncio.gather(self._dropping, return_exceptions=True)
        await self.engine.dispose()

    async def _connect(self) -> aiosqlite.Connection:
        if self._reading_uri is None:
            return await PooledConnection(self._file, _set_up).opened()
        connection = await aiosqlite.connect(self._reading_uri, uri=True, isolation_level=None)
        for pragma in READING_PRAGMAS:
            await connection.execute(pragma)
        return connection

    def _check_file(self, _connection: object, record: ConnectionPoolEntry, _fairy: object) -> None:
        record.info[POOL] = self.engine.pool
        if self._reading_uri is None:
            self._file.check_now_and_then()

    def _begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")
        self._file.reading_since[connection.connection.dbapi_connection] = monotonic()

    def _returned(self, connection: object, record: ConnectionPoolEntry) -> None:
        """Close a connection whose pool was given up while it was in use."""
        self._file.reading_since.pop(connection, None)
        if record.info.get(POOL) is not self.engine.pool:
            record.invalidate()

    def _invalidated(self, connection: object, _record: object, _error: object) -> None:
        self._file.reading_since.pop(connection, None)

    def fault(self, error: BaseException) -> Fault:
        return self.verdict(error).fault

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, StoreError):
            return outages.of_ours(error)
        for cause in outages.causes(error):
            for kind, verdict in LOCAL_ERRORS:
                if isinstance(cause, kind):
                    return verdict
            if isinstance(cause, sqlite3.Error) and (verdict := outages.of_sqlite(cause)) is not outages.UNKNOWN:
                return verdict
        return outages.UNKNOWN


def checked_path(url: URL) -> Path:
    """Return the file that a URL names. Raises `UnusableDatabase` for one that names none, or none that can be."""
    if not url.database or url.database == ":memory:":
        raise UnusableDatabase("clickgate keeps clicks: SQLite needs a file, not a database in memory")
    if url.query:
        raise UnusableDatabase(f"the database URL has an unknown parameter: {', '.join(sorted(url.query))}")
    path = Path(url.database)
    try:
        if path.is_dir():
            raise UnusableDatabase(f"the SQLite file {path} is a directory")
        if not path.absolute().parent.is_dir():
            raise UnusableDatabase(f"the folder of the SQLite file {path} does not exist")
        if path.exists() and not os.access(path, os.R_OK):
            raise UnusableDatabase(f"the SQLite file {path} may not be read")
    except (OSError, ValueError) as error:
        raise UnusableDatabase(f"the SQLite file {url.database!r} cannot be used: {error}") from error
    return path


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

    def __init__(self, file: DatabaseFile, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._connection = open_file(file, self._prepare)
        file.opened(self)
        self._checkpoints = Checkpoints(file)
        self._worker = Worker("sqlite-writer")

    def _prepare(self, connection: sqlite3.Connection) -> None:
        _set_up(connection)
        # What runs on the event loop waits for nobody.
        connection.execute("PRAGMA busy_timeout = 0")
        _check_revision(connection, self._file)
        self._one_step = OneStep(connection)

    async def read(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
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
        self._file.check()

    def _begin_in_turn(self, seconds: float = BUSY_SECONDS) -> None:
        """Wait for another process to finish writing."""
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
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
            await self._worker.run(lambda: self._checked(self._connection.commit))
        elif any(rows for _, rows in work):
            await self._alone(self._one_step.of(*work))
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
    return outages.of_sqlite(error) is outages.LOCKED


def _set_up(connection: sqlite3.Connection) -> None:
    for statement in (*PRAGMAS, FIRST_READ):
        connection.execute(statement)
