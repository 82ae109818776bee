"""SQLite connections for reading, each with a thread of its own.

A query takes one trip to the thread. By way of SQLAlchemy and aiosqlite it took seven, and a short one nine times the
processor time; `docs/performance.md` has the figures.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Dialect

from db.engine.sqlite.database_file import DatabaseFile
from db.engine.sqlite.pooled_connection import empty_log
from db.engine.sqlite.worker_thread import WorkerThread
from db.sql.compiled_queries import Query


class SqliteReader:
    """A `Source`, and a connection in a pool for reading. One task uses it at a time."""

    def __init__(self, file: DatabaseFile, dialect: Dialect) -> None:
        self._file = file
        self._dialect = dialect
        self._worker = WorkerThread("sqlite-reader")
        self._connection: sqlite3.Connection | None = None
        self._in_snapshot = False
        self._ended: asyncio.Future[None] | None = None

    async def open(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Open the connection, in the reader's thread. Raises `OtherFile` and `sqlite3.Error`."""

        def opened() -> None:
            self._connection = connect()

        try:
            await self._worker.run(opened)
        except BaseException:
            self.terminate()
            raise

    async def begin(self) -> None:
        """Let what is read from now on, until `end`, be of one moment. Raises `OtherFile` if the file was replaced."""
        self._file.check_now_and_then()
        self._in_snapshot = True

    def end(self) -> None:
        """End the snapshot."""
        self._in_snapshot = False
        # Nobody has to wait for it: the thread does one thing after the other.
        self._worker.run(self._commit)

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        arguments = compiled.arguments(values)
        return compiled.rows(await self._worker.run(lambda: self._run(compiled.sql, arguments)))

    async def fetch_alone(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query outside any snapshot. Raises `OtherFile` if the file was replaced."""
        self._file.check_now_and_then()
        return await self.fetch(query, values)

    def interrupt(self) -> None:
        """Make the query that runs fail, if one does."""
        if self._connection is not None:
            with suppress(sqlite3.Error):  # it may be closed right now
                self._connection.interrupt()

    def is_closed(self) -> bool:
        return self._connection is None or self._ended is not None

    def terminate(self) -> None:
        """Close the connection in the background, whatever it is doing."""
        if self._ended is None:
            self.interrupt()
            self._ended = self._worker.run(self._close)
            self._worker.stop()

    async def closed(self) -> None:
        """Return once the connection is closed, after `terminate`."""
        if self._ended is not None:
            await asyncio.shield(self._ended)

    def _run(self, sql: str, arguments: Any) -> Sequence[Any]:
        connection = self._connection
        if connection is None:
            raise ConnectionError("the connection was closed")  # an outage: the pool tries another one
        if self._in_snapshot and not connection.in_transaction:
            connection.execute("BEGIN")
        return connection.execute(sql, arguments).fetchall()

    def _commit(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            try:
                self._connection.commit()
            except sqlite3.Error:  # whoever was lent it next would read what was
                self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            empty_log(connection, self._file)
            with suppress(sqlite3.Error):  # a damaged file cannot be closed properly
                connection.close()
