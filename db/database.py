"""What the store asks of a database: the one face that SQLite and PostgreSQL show.

Each of the two has a module of its own behind it, so that what differs between them is in one place each.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from db.queries import Query
from db.statements import Row, Statement, Work


class Fault(Enum):
    """Whose fault a failed statement is, and so what may be done about it."""

    ROW = "row"
    """One of the rows is to blame; the others may be written without it."""
    CONFLICT = "conflict"
    """Two transactions stood in each other's way; the same one may simply run again."""
    AWAY = "away"
    """The database is not there, or does not answer."""
    UNKNOWN = "unknown"
    """Nobody foresaw this."""


class Source(Protocol):
    """What answers queries, speaking to the driver directly."""

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query with its values; return all of its rows, which are read like tuples."""


class WriteConnection(Protocol):
    """A connection of a writer's own, which speaks to the driver directly. Used by one task at a time."""

    async def read(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query with its values; return all of its rows, which are read like tuples."""

    def fence(self, writer_id: int | None) -> None:
        """From now on, begin and commit transactions only while a writer's row is there; each keeps it from being
        removed, and raises `WriterGone` where it was. SQLite, which has one writer, knows no such rows."""

    async def begin(self) -> None:
        """Start a transaction that may write; on SQLite this is where one waits for another writer."""

    async def fetch(self, statement: Statement, keys: Sequence[Row]) -> Sequence[Row]:
        """Run a query for each key; return all the rows found, in any order."""

    async def execute(self, *work: Work) -> None:
        """Run statements for their rows, in this order; none of them sees what another one of them changed."""

    async def command(self, sql: str) -> None:
        """Run one command without parameters, such as `SAVEPOINT`."""

    async def commit(self, *work: Work) -> None:
        """Run statements as `execute` does and make them durable, with the transaction if one is open; returns only
        when they are."""

    async def rollback(self) -> None:
        """Undo the transaction, if one is open."""

    async def close(self) -> None:
        """Give the connection up, whatever its state. Never raises."""


class Database(Source, Protocol):
    """One kind of database. Its own `fetch` runs a query by itself."""

    engine: AsyncEngine

    def snapshot(self) -> AbstractAsyncContextManager[Source]:
        """Give what answers several queries as of one moment. Used by one task at a time."""

    async def connect_writer(self) -> WriteConnection:
        """Open the click writer's connection."""

    def drop_idle(self) -> None:
        """Give up the pooled connections that nobody uses: they may be dead without anyone having said so."""

    async def close(self) -> None:
        """Close every connection that was kept; those that are needed again are opened anew."""

    def fault(self, error: BaseException) -> Fault:
        """Tell whose fault an error from this database's driver is."""
