"""SQLite's pooled connections: aiosqlite's, each of which knows which file it has open.

SQLAlchemy's own way of opening one would make a file where none is, and tells that a connection closes before it has.
The driver has no public way to run a step in its thread, so its version is bounded in `pyproject.toml`.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress

import aiosqlite

from db.engine.sqlite.database_file import DatabaseFile

# The driver's own default: rows that are fetched at a time from a result that is not fetched as a whole.
CHUNK_ROWS = 64
# Those who read meanwhile are soon done.
EMPTYING_SECONDS = 1


class PooledSqliteConnection(aiosqlite.Connection):
    """A connection to the file, set up by a function of its thread. Raises `OtherFile` as it is awaited."""

    def __init__(self, file: DatabaseFile, set_up: Callable[[sqlite3.Connection], None]) -> None:
        self._file = file
        self._set_up = set_up
        super().__init__(self._open, CHUNK_ROWS)
        # So that the process ends though nobody closed it.
        self._thread.daemon = True
        self._stopped: asyncio.Future[None] | None = None

    async def opened(self) -> "PooledSqliteConnection":
        """Open it. Where that fails, its thread has ended, too: it would complain once the event loop is gone."""
        try:
            await self
        except BaseException:
            if self._stopped is not None:
                await self._stopped
            raise
        return self

    def _open(self) -> sqlite3.Connection:
        self._file.check_before_opening()
        connection = open_file(self._file, self._set_up)
        self._file.opened(self)
        return connection

    async def close(self) -> None:
        """Close it once nothing is under way on it."""
        if self._connection is not None:
            connection = self._connection
            await self._execute(lambda: empty_log(connection, self._file))  # type: ignore[no-untyped-call]  # aiosqlite's
        await super().close()

    def stop(self) -> asyncio.Future[None] | None:
        """Close it in its thread, whatever its state. The driver's own `close` ends with this."""
        self._stopped = super().stop()
        if self._stopped is not None:
            self._stopped.add_done_callback(lambda _: self._file.closed(self))
        return self._stopped


def open_file(file: DatabaseFile, set_up: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """Open a connection, set up. One that cannot be is closed: nobody else would."""
    target = file.uri if file.generation else file.path
    connection = sqlite3.connect(target, uri=target != file.path, isolation_level=None, check_same_thread=False)
    try:
        set_up(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def empty_log(connection: sqlite3.Connection, file: DatabaseFile) -> None:
    """Where the path leads to another file now, copy all that was committed into the one that is open: its log at that
    path must not be taken for the new file's."""
    with suppress(sqlite3.Error):
        if file.is_elsewhere:
            connection.execute(f"PRAGMA busy_timeout = {EMPTYING_SECONDS * 1000}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
