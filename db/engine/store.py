"""The database as the rest of the project uses it: transactions to read, to write, and the click writer's connection.

One place decides who may write when, and turns a driver's errors into ours.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import Database, Fault, Source
from db.engine.postgresql.url import parse_url
from db.engine.redaction import described
from db.engine.sqlite.backend import WRITES, SqliteDatabase
from db.errors import DatabaseUnavailable, RowRefused, StoreError, UnusableDatabase
from db.sql.compiled_queries import CompiledQuery

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class Store:
    """One database, opened lazily. `url` is a SQLAlchemy URL; the plain schemes `sqlite`, `postgresql` and `postgres`
    do too. With `reading_uri`, a SQLite file is only read, see `db.engine.sqlite.file_access`. Raises `UnusableDatabase` for
    any other URL, and for a SQLite database that is no file."""

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
        """Open a transaction in which every statement sees the same snapshot. Raises `DatabaseUnavailable`."""
        with self.outages():
            async with self._pooled() as connection:
                if not self.is_sqlite:  # there, any transaction reads one snapshot
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                async with connection.begin():
                    yield connection

    async def source(self, connection: AsyncConnection) -> Source:
        """Return what answers compiled queries in the transaction of a connection."""
        await connection.execute(select(1))  # the transaction begins with its first statement
        return self.database.source((await connection.get_raw_connection()).driver_connection)

    async def prefer_indexes(self, connection: AsyncConnection) -> None:
        """Have the transaction's statements go from row to row through indexes, as SQLite does by itself. PostgreSQL
        cannot estimate how many rows lie between two values of another table, and would rather read all there are."""
        if not self.is_sqlite:
            settings = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
            await connection.execute(select(*(func.set_config(name, "off", True) for name in settings)))

    async def fetch(self, query: CompiledQuery, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """Run a query by itself, with its values by name; return all of its rows. Raises `DatabaseUnavailable`."""
        with self.outages():
            return await self.database.fetch(query, values or {})

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Source]:
        """Give what answers several queries as of one moment. Raises `DatabaseUnavailable`."""
        with self.outages():
            async with self.database.snapshot() as source:
                yield source

    @asynccontextmanager
    async def write(self, *, may_wait: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that may write, committed at the end of the block. One that `may_wait`, such as an
        upgrade, waits for locks as long as it takes. Raises `DatabaseUnavailable`."""
        with self.outages():
            async with self.turn(), self._pooled(writes=True) as connection:
                await connection.execution_options(**{WRITES: True})
                async with connection.begin():
                    if not may_wait:
                        await self.database.limit_waiting(connection)
                    yield connection

    @asynccontextmanager
    async def _pooled(self, *, writes: bool = False) -> AsyncIterator[AsyncConnection]:
        """Give a connection of the pool. One that meets an outage is not used again, nor are the idle ones: they may
        keep what was true during the outage."""
        async with AsyncExitStack() as stack:
            with self.database.waiting.one_more():
                connection = await stack.enter_async_context(self.database.engine.connect())
            try:
                if writes and await self.database.is_stale(connection):
                    self.database.drop_idle()
                    await connection.invalidate()  # the next statement takes a new one
                yield connection
            except Exception as error:
                if self.database.verdict(error).fault is Fault.AWAY:
                    await connection.invalidate()
                    self.database.drop_idle()
                raise

    def turn(self) -> AbstractAsyncContextManager[object]:
        """Return what a writer holds while it writes. SQLite has one writer at a time and no queue for the others:
        within the process they take turns in order, so that a busy click writer cannot starve an administrator."""
        return self._turn if self.is_sqlite else nullcontext()

    @contextmanager
    def outages(self) -> Iterator[None]:
        """Turn errors that mean an outage, or that the same may be tried again, into `DatabaseUnavailable`; turn a driver's
        error about a row into `RowRefused`, which has none of the row's values."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            verdict = self.database.verdict(error)
            if verdict.fault in (Fault.AWAY, Fault.CONFLICT):
                raise DatabaseUnavailable(described(error), verdict.reason) from error
            if isinstance(error, DBAPIError) and verdict.fault is Fault.ROW:
                raise RowRefused(described(error)) from None
            raise

    @property
    def name(self) -> str:
        """What to call the database before people: its URL without the password, and without that of a key."""
        shown = {name: value for name, value in self.url.query.items() if name != "sslpassword"}
        return self.url.set(query=shown).render_as_string(hide_password=True)

    async def close(self) -> None:
        """Close every pooled connection; those that are needed again are opened anew."""
        await self.database.close()


def _postgresql(url: URL) -> Database:
    from db.engine.postgresql.backend import (
        PostgresDatabase,  # with its driver, which takes a while and SQLite has no use for
    )

    return PostgresDatabase(url)


def _with_driver(url: str) -> URL:
    parsed = parse_url(url)
    if parsed.drivername in DRIVERS:
        return parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.drivername not in DRIVERS.values():
        raise UnusableDatabase(f"clickgate keeps clicks in SQLite or PostgreSQL, not in {parsed.drivername!r}")
    return parsed
