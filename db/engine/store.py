"""The database as the rest of the project uses it: transactions for reading and for writing.

This is the one place that decides which task may write when, and that turns drivers' errors into `db.errors`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import Database, Fault, Source
from db.engine.postgresql.url import parse_url
from db.engine.redaction import described
from db.engine.sqlite.backend import WRITES, SqliteDatabase
from db.errors import DatabaseUnavailable, RowRefused, StoreError, UnusableDatabase
from db.sql.compiled_queries import Query

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class Store:
    """One database, connected on first use. `url` is a SQLAlchemy URL; the schemes `sqlite`, `postgresql` and
    `postgres` work without a driver's name. With `reading_uri`, a SQLite file is opened read-only by that URI, see
    `db.engine.sqlite.file_access`. Raises `UnusableDatabase` for any other URL, and for SQLite without a file."""

    def __init__(self, url: str, *, reading_uri: str | None = None) -> None:
        self.url = _with_driver(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.is_read_only = reading_uri is not None
        self.database: Database = (
            SqliteDatabase(self.url, reading_uri=reading_uri) if self.is_sqlite else _postgresql(self.url)
        )
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a read transaction in which all statements see the same snapshot. Raises `DatabaseUnavailable`."""
        with self.outages():
            async with self._pooled() as connection:
                if not self.is_sqlite:  # where every transaction reads one snapshot
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                async with connection.begin():
                    yield connection

    async def source(self, connection: AsyncConnection) -> Source:
        """Return a source that runs compiled queries in a connection's transaction."""
        await connection.execute(select(1))  # the first statement begins the transaction
        return self.database.source((await connection.get_raw_connection()).driver_connection)

    async def prefer_indexes(self, connection: AsyncConnection) -> None:
        """Make PostgreSQL use indexes and nested loops in this transaction, as SQLite always does. It cannot estimate
        how many rows lie between two values from another table, and would scan whole tables instead."""
        if not self.is_sqlite:
            settings = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
            await connection.execute(select(*(func.set_config(name, "off", True) for name in settings)))

    async def take_lock(self, connection: AsyncConnection, key: int) -> None:
        """Wait until no other write transaction holds the lock with this key, and hold it to the end of this one. What
        is read from then on includes what the others committed. On SQLite, writers exclude each other anyway."""
        if not self.is_sqlite:
            await connection.execute(select(func.pg_advisory_xact_lock(key)))

    async def fetch(self, query: Query, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run a query outside any transaction; return all rows. Raises `DatabaseUnavailable`."""
        with self.outages():
            return await self.database.fetch(query, values or {})

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Source]:
        """Open a snapshot in which several queries see the same data. Raises `DatabaseUnavailable`."""
        with self.outages():
            async with self.database.snapshot() as source:
                yield source

    @asynccontextmanager
    async def write(self, *, may_wait: bool = False, in_one_snapshot: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction that commits at the end of the block. With `may_wait`, as for an upgrade, it waits
        for locks without a limit; with `in_one_snapshot`, all that it reads is of one moment. Raises
        `DatabaseUnavailable`."""
        with self.outages():
            async with self.turn(), self._pooled(writes=True) as connection:
                await connection.execution_options(**{WRITES: True})
                if in_one_snapshot and not self.is_sqlite:  # where every transaction reads one snapshot
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                async with connection.begin():
                    if not may_wait:
                        await self.database.limit_waiting(connection)
                    yield connection

    @asynccontextmanager
    async def _pooled(self, *, writes: bool = False) -> AsyncIterator[AsyncConnection]:
        """Lend a connection from the pool. An outage discards the connection and the idle ones as well, which may carry
        session state from during the outage."""
        async with AsyncExitStack() as stack:
            with self.database.waiting.counting():
                connection = await stack.enter_async_context(self.database.engine.connect())
            try:
                if writes and await self.database.is_stale(connection):
                    self.database.drop_idle()
                    await connection.invalidate()  # the next statement opens a new one
                yield connection
            except Exception as error:
                if self.database.verdict(error).fault is Fault.OUTAGE:
                    await connection.invalidate()
                    self.database.drop_idle()
                raise

    def turn(self) -> AbstractAsyncContextManager[object]:
        """Return the lock that a writer holds while it writes. SQLite allows one writer at a time and does not queue
        the others, so this process queues them: a busy click writer must not starve an administrator's change."""
        return self._turn if self.is_sqlite else nullcontext()

    def outages(self) -> "Outages":
        """Translate errors: outages and conflicts, which may be retried, into `DatabaseUnavailable`, and a driver's
        error about a row into `RowRefused`, without the row's values."""
        return Outages(self.database)

    @property
    def name(self) -> str:
        """The database's URL for display, without passwords."""
        shown = {name: value for name, value in self.url.query.items() if name != "sslpassword"}
        return self.url.set(query=shown).render_as_string(hide_password=True)

    async def close(self) -> None:
        """Close all pooled connections. The pools open new ones on demand."""
        await self.database.close()


class Outages:
    """The context manager that `Store.outages` returns."""

    __slots__ = ("_database",)

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if not isinstance(error, Exception) or isinstance(error, StoreError):
            return
        verdict = self._database.verdict(error)
        if verdict.fault in (Fault.OUTAGE, Fault.CONFLICT):
            raise DatabaseUnavailable(described(error), verdict.reason) from error
        if isinstance(error, DBAPIError) and verdict.fault is Fault.ROW:
            raise RowRefused(described(error)) from None


def _postgresql(url: URL) -> Database:
    from db.engine.postgresql.backend import (
        PostgresDatabase,  # imported late: its driver is slow to import, and SQLite does not need it
    )

    return PostgresDatabase(url)


def _with_driver(url: str) -> URL:
    parsed = parse_url(url)
    if parsed.drivername in DRIVERS:
        return parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.drivername not in DRIVERS.values():
        raise UnusableDatabase(f"clickgate keeps clicks in SQLite or PostgreSQL, not in {parsed.drivername!r}")
    return parsed
