"""The SQLite backend, on aiosqlite: its SQLAlchemy engine and pool, and its error classification.

Everything outside this folder uses it through `db.engine.backend.protocol.Database`.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakSet

import aiosqlite
from sqlalchemy import URL, Connection, event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from db.engine.backend import driver_errors, pool_usage
from db.engine.backend.pool_usage import PoolUsage, PoolWaiters, usage_of
from db.engine.backend.protocol import Fault, Verdict
from db.engine.backend.read_pool import ReadPool
from db.engine.sqlite.connections import BUSY_SECONDS, SqliteSource, SqliteWriteConnection, set_up_reader
from db.engine.sqlite.database_file import DatabaseFile, OtherFile
from db.engine.sqlite.pooled_connection import PooledSqliteConnection, SqlitePool, lender
from db.engine.sqlite.reader import SqliteReader
from db.errors import StoreError, UnusableDatabase
from db.sql.compiled_queries import Query

# Time enough to load all links. While a query runs, the write-ahead log cannot be truncated.
SNAPSHOT_SECONDS = 60
# All of them stay open: to open one takes a thread and a millisecond, ten times what most reads take.
POOL_SIZE = 15
READING_PRAGMAS = ("PRAGMA query_only = ON", f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
WRITES = "clickgate_writes"
# Errors without a SQLite error code.
LOCAL_ERRORS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (OtherFile, driver_errors.OTHER_FILE),
    (PoolTimeout, driver_errors.CROWDED),
    (TimeoutError, driver_errors.SILENT),
    (OSError, driver_errors.UNREACHABLE),
    (sqlite3.IntegrityError, driver_errors.ROW),
    (sqlite3.DataError, driver_errors.ROW),
    (OverflowError, driver_errors.ROW),
    (ValueError, driver_errors.ROW),
)


class SqliteDatabase:
    """A database file. All writers of this process take turns, see `db.engine.store`.

    With `reading_uri`, see `db.engine.sqlite.file_access`, the file is opened read-only by that URI.
    """

    def __init__(self, url: URL, *, reading_uri: str | None = None) -> None:
        self._path = str(checked_path(url))
        self._reading_uri = reading_uri
        self._file = DatabaseFile(self._path)
        self._set_up = partial(set_up_reader, file=self._file)
        self._readers = ReadPool(self._connect_reader, lambda error: self.fault(error) is Fault.OUTAGE, POOL_SIZE)
        self._opened: WeakSet[SqliteReader] = WeakSet()
        self.waiting = PoolWaiters()
        self._dropping: asyncio.Task[None] | None = None
        self.engine = create_async_engine(
            url,
            async_creator=self._connect,
            poolclass=SqlitePool,
            hide_parameters=True,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=pool_usage.POOL_SECONDS,
        )
        event.listen(self.engine.sync_engine, "checkout", self._check_file)
        event.listen(self.engine.sync_engine, "checkin", self._returned)
        event.listen(self.engine.sync_engine, "invalidate", self._invalidated)
        event.listen(self.engine.sync_engine, "begin", self._begin)

    def source(self, driver: Any) -> SqliteSource:
        return SqliteSource(driver, self.engine.dialect)

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        async def fetched(reader: SqliteReader) -> Sequence[Any]:
            with self._limited(reader):
                return await reader.fetch_alone(query, values)

        return await self._readers.run(fetched)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SqliteReader]:
        async with self._readers.lent(SqliteReader.begin) as (reader, _):
            with self._limited(reader):
                yield reader
            reader.end()

    @contextmanager
    def _limited(self, reader: SqliteReader) -> Iterator[None]:
        limit = asyncio.get_running_loop().call_later(SNAPSHOT_SECONDS, reader.interrupt)
        self._file.reading_since[reader] = monotonic()
        try:
            yield
        finally:
            limit.cancel()
            del self._file.reading_since[reader]

    @property
    def generation(self) -> int:
        return self._file.generation

    @property
    def is_cluster(self) -> bool:
        return False

    async def oldest_running(self) -> int:
        return 0

    async def next_number(self) -> int:
        return 0

    async def is_stale(self, connection: AsyncConnection) -> bool:
        return False  # every error that a stale connection causes also closes it

    async def limit_waiting(self, connection: AsyncConnection) -> None:
        """Do nothing: each connection's busy timeout is the limit."""

    async def connect_writer(self) -> SqliteWriteConnection:
        opening = asyncio.ensure_future(asyncio.to_thread(SqliteWriteConnection, self._file, self.engine.dialect))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            with suppress(Exception):
                await (await opening).close()
            raise

    def pools(self) -> Sequence[PoolUsage]:
        return [usage_of(self.engine, self.waiting), self._readers.usage("reading")]

    def log_bytes(self) -> int:
        return self._file.log_bytes()

    def drop_idle(self) -> None:
        """Close the idle connections in the background."""
        self._readers.drop_idle()
        if self.waiting.is_exhausted:
            return  # none is idle, and replacing the pool would double the number of connections
        if self._dropping is None or self._dropping.done():
            self._dropping = asyncio.ensure_future(self.engine.dispose())

    async def close(self) -> None:
        if self._dropping is not None:
            await asyncio.gather(self._dropping, return_exceptions=True)
        self._readers.drop_idle()
        await self.engine.dispose()
        await asyncio.gather(*(reader.closed() for reader in self._opened))

    async def _connect_reader(self) -> SqliteReader:
        reader = SqliteReader(self._file, self.engine.dialect)
        self._opened.add(reader)
        await reader.open(self._open_reader)
        return reader

    def _open_reader(self) -> sqlite3.Connection:
        if self._reading_uri is None:
            return self._file.open(self._set_up)
        connection = sqlite3.connect(self._reading_uri, uri=True, isolation_level=None, check_same_thread=False)
        for pragma in READING_PRAGMAS:
            connection.execute(pragma)
        return connection

    async def _connect(self) -> aiosqlite.Connection:
        if self._reading_uri is None:
            return await PooledSqliteConnection(self._file, self._set_up).opened()
        connection = await aiosqlite.connect(self._reading_uri, uri=True, isolation_level=None)
        for pragma in READING_PRAGMAS:
            await connection.execute(pragma)
        return connection

    def _check_file(self, _connection: object, _entry: ConnectionPoolEntry, _fairy: object) -> None:
        if self._reading_uri is None:
            self._file.check_now_and_then()

    def _begin(self, connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")
        self._file.reading_since[connection.connection.dbapi_connection] = monotonic()

    def _returned(self, connection: object, entry: ConnectionPoolEntry) -> None:
        """Close a connection whose pool was replaced while it was in use."""
        self._file.reading_since.pop(connection, None)
        if lender(entry) is not self.engine.pool:
            entry.invalidate()

    def _invalidated(self, connection: object, _entry: object, _error: object) -> None:
        self._file.reading_since.pop(connection, None)

    def fault(self, error: BaseException) -> Fault:
        return self.verdict(error).fault

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, StoreError):
            return driver_errors.of_ours(error)
        for cause in driver_errors.causes(error):
            for kind, verdict in LOCAL_ERRORS:
                if isinstance(cause, kind):
                    return verdict
            if (
                isinstance(cause, sqlite3.Error)
                and (verdict := driver_errors.of_sqlite(cause)) is not driver_errors.UNKNOWN
            ):
                return verdict
        return driver_errors.UNKNOWN


def checked_path(url: URL) -> Path:
    """Return the path in a URL. Raises `UnusableDatabase` if there is none, or if it cannot be a database file."""
    if not url.database or url.database == ":memory:":
        raise UnusableDatabase("the SQLite database must be a file: an in-memory database would lose its clicks")
    if url.query:
        raise UnusableDatabase(f"the database URL has an unknown parameter: {', '.join(sorted(url.query))}")
    path = Path(url.database)
    try:
        if path.is_dir():
            raise UnusableDatabase(f"the SQLite file {path} is a directory")
        if not path.absolute().parent.is_dir():
            raise UnusableDatabase(f"the folder of the SQLite file {path} does not exist")
        if path.exists() and not os.access(path, os.R_OK):
            raise UnusableDatabase(f"the SQLite file {path} is not readable by this user")
    except (OSError, ValueError) as error:
        raise UnusableDatabase(f"the SQLite file {url.database!r} cannot be used: {error}") from error
    return path
