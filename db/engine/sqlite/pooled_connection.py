"""The aiosqlite connections in SQLAlchemy's pool, which report to their `DatabaseFile` when they open and close.

SQLAlchemy's own way of connecting would create a missing file, and reports a connection as closed before it is. The
driver has no public way to run a function in its thread, so its version is bounded in `pyproject.toml`.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress

import aiosqlite

from db.engine.sqlite.database_file import DatabaseFile

# The driver's default: the number of rows fetched at a time when iterating over a result.
CHUNK_ROWS = 64
# Pages of small tables that every commit of clicks changes: the queue's autoincrement counter and the next ids.
MARKS = "SELECT rootpage FROM sqlite_schema WHERE name IN ('sqlite_sequence', 'id_blocks')"
# Time enough for readers to finish.
CHECKPOINT_WAIT_SECONDS = 1


class PooledSqliteConnection(aiosqlite.Connection):
    """A connection to the file, configured by `set_up` in the connection's thread. Awaiting it raises `OtherFile`."""

    def __init__(self, file: DatabaseFile, set_up: Callable[[sqlite3.Connection], None]) -> None:
        self._file = file
        self._set_up = set_up
        super().__init__(self._open, CHUNK_ROWS)
        # An unclosed connection must not keep the process from exiting.
        self._thread.daemon = True
        self._stopped: asyncio.Future[None] | None = None

    async def opened(self) -> "PooledSqliteConnection":
        """Open the connection. If that fails, wait for its thread to end, which would log an error without an event
        loop."""
        try:
            await self
        except BaseException:
            if self._stopped is not None:
                await self._stopped
            raise
        return self

    def _open(self) -> sqlite3.Connection:
        self._file.check_before_opening()
        return open_file(self._file, self._set_up, self)

    async def close(self) -> None:
        """Close the connection after the operations in progress."""
        if self._connection is not None:
            connection = self._connection
            await self._execute(lambda: empty_log(connection, self._file))  # type: ignore[no-untyped-call]
        await super().close()

    def stop(self) -> asyncio.Future[None] | None:
        """Close the connection in its thread, whatever its state. The driver's `close` calls this last."""
        self._stopped = super().stop()
        if self._stopped is not None:
            self._stopped.add_done_callback(lambda _: self._file.closed(self))
        return self._stopped


def open_file(file: DatabaseFile, set_up: Callable[[sqlite3.Connection], None], owner: object) -> sqlite3.Connection:
    """Open a connection and configure it. `owner` must call `file.closed` for it; if `set_up` fails, it is closed
    here."""
    target = file.uri if file.generation else file.path
    with file.opening(owner):
        connection = sqlite3.connect(target, uri=target != file.path, isolation_level=None, check_same_thread=False)
        try:
            set_up(connection)
            file.marks = [page for (page,) in connection.execute(MARKS)]
        except BaseException:
            connection.close()
            raise
    return connection


def empty_log(connection: sqlite3.Connection, file: DatabaseFile) -> None:
    """If the path now leads to another file, copy the log into the file that is open, so that SQLite does not later
    take it for the new file's log."""
    with suppress(sqlite3.Error):
        if file.is_elsewhere:
            connection.execute(f"PRAGMA busy_timeout = {CHECKPOINT_WAIT_SECONDS * 1000}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
