"""SQLite's pool, and its connections: aiosqlite's, which register with the `DatabaseFile` that they open.

SQLAlchemy would create a missing file, and reports a connection as closed before it is. The driver has no public way to
run a function in its thread, so `pyproject.toml` bounds its version.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress

import aiosqlite
from sqlalchemy import AsyncAdaptedQueuePool, PoolProxiedConnection
from sqlalchemy.pool import ConnectionPoolEntry

from db.engine.sqlite.database_file import DatabaseFile

# How many rows an iteration over a cursor fetches at a time; the driver's default.
CHUNK_ROWS = 64
# Long enough for other readers to finish.
EMPTYING_SECONDS = 1
LENDER = "clickgate_lender"


class SqlitePool(AsyncAdaptedQueuePool):
    """A pool whose entries tell which pool has lent them, see `lender`. SQLAlchemy replaces a pool to close its idle
    connections, and keeps what is returned to the former one open for ever."""

    def connect(self) -> PoolProxiedConnection:
        connection = super().connect()
        if connection.record_info is not None:
            connection.record_info[LENDER] = self
        return connection


def lender(entry: ConnectionPoolEntry) -> object:
    """Return the pool that has lent an entry, also if that was replaced while the connection was being opened."""
    return (entry.record_info or {}).get(LENDER)


class PooledSqliteConnection(aiosqlite.Connection):
    """A connection to the file, which a function sets up in the connection's thread. Awaiting it raises `OtherFile`."""

    def __init__(self, file: DatabaseFile, set_up: Callable[[sqlite3.Connection], None]) -> None:
        self._file = file
        self._set_up = set_up
        super().__init__(self._open, CHUNK_ROWS)
        # So that an unclosed connection does not keep the process alive.
        self._thread.daemon = True
        self._stopped: asyncio.Future[None] | None = None
        self._sqlite: sqlite3.Connection | None = None

    async def opened(self) -> "PooledSqliteConnection":
        """Open the connection. If this fails, wait for its thread to end, which would later report to a closed loop."""
        try:
            await self
        except BaseException:
            if self._stopped is not None:
                await self._stopped
            raise
        self._sqlite = None  # the driver closes it
        return self

    def _open(self) -> sqlite3.Connection:
        self._sqlite = self._file.open(self._set_up)
        return self._sqlite

    async def close(self) -> None:
        """Close the connection once it is idle."""
        if self._connection is not None:
            connection = self._connection
            await self._execute(lambda: empty_log(connection, self._file))  # type: ignore[no-untyped-call]  # aiosqlite's
        await super().close()

    def stop(self) -> asyncio.Future[None] | None:
        """Close the connection in its thread, whatever its state. The driver's `close` calls this at the end."""
        self._stopped = super().stop()
        if self._stopped is not None:
            self._stopped.add_done_callback(self._gone)
        return self._stopped

    def _gone(self, _stopped: object) -> None:
        if self._sqlite is not None:  # its opening was cancelled, and the driver does not know it
            self._sqlite.close()


def empty_log(connection: sqlite3.Connection, file: DatabaseFile) -> None:
    """If another file is at the path now, copy everything committed into the open one, so that its log is not mistaken
    for the new file's."""
    with suppress(sqlite3.Error):
        if file.is_elsewhere:
            connection.execute(f"PRAGMA busy_timeout = {EMPTYING_SECONDS * 1000}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
