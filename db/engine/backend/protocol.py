"""What the store asks of a database: the one face that SQLite and PostgreSQL show.

Each of the two has a module of its own behind it, so that what differs between them is in one place each.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine.backend.pool_usage import PoolUsage, PoolWaiters
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery


class Fault(Enum):
    """Whose fault a failed statement is, and so what may be done about it."""

    ROW = "row"
    """One of the rows is to blame; the others may be written without it."""
    CONFLICT = "conflict"
    """Two transactions stood in each other's way; the same one may simply run again."""
    AWAY = "away"
    """The database is not there, does not answer, or cannot record anything."""
    UNKNOWN = "unknown"
    """Unclassified error."""


class Verdict(NamedTuple):
    """Whose fault an error is, and, for an outage, why nothing can be recorded: in words for everybody."""

    fault: Fault
    reason: str = ""


class Source(Protocol):
    """What answers queries, speaking to the driver directly."""

    async def fetch(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query with its values; return all of its rows, which are read like tuples."""


class WriteConnection(Protocol):
    """A connection of a writer's own, which speaks to the driver directly. Used by one task at a time."""

    async def read(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query with its values; return all of its rows, which are read like tuples."""

    def fence(self, writer_id: int | None) -> None:
        """From now on, begin and commit transactions only while a writer's row is there; each keeps it from being
        removed, and raises `WriterGone` where it was. SQLite, which has one writer, knows no such rows."""

    async def begin(self, wait_seconds: float | None = None) -> None:
        """Start a transaction that may write; on SQLite this is where one waits for another writer. With
        `wait_seconds` the transaction waits no longer than that for a lock."""

    async def fetch(self, statement: BatchStatement, keys: Sequence[RowValues]) -> Sequence[RowValues]:
        """Run a query for each key; return all the rows found, in any order."""

    async def execute(self, *work: StatementRows) -> None:
        """Run statements for their rows, in this order; none of them sees what another one of them changed."""

    async def command(self, sql: str) -> None:
        """Run one command without parameters, such as `SAVEPOINT`."""

    async def commit(self, *work: StatementRows) -> None:
        """Run statements as `execute` does and make them durable, with the transaction if one is open; returns only
        when they are."""

    async def rollback(self) -> None:
        """Undo the transaction, if one is open."""

    async def close(self) -> None:
        """Give the connection up, whatever its state. Never raises."""


class Database(Source, Protocol):
    """One kind of database. Its own `fetch` runs a query by itself."""

    engine: AsyncEngine
    waiting: PoolWaiters
    """The tasks that wait for one of the engine's connections."""

    @property
    def contents(self) -> int:
        """A number that changes when another database may have taken this one's place: what was read or reserved
        before is void then."""

    def snapshot(self) -> AbstractAsyncContextManager[Source]:
        """Give what answers several queries as of one moment. Used by one task at a time."""

    async def is_stale(self, connection: AsyncConnection) -> bool:
        """Return whether a pooled connection cannot write, perhaps only because it was opened when none could."""

    async def limit_waiting(self, connection: AsyncConnection) -> None:
        """Let the transaction that is open wait for locks no longer than somebody would wait for an answer."""

    def source(self, driver: Any) -> Source:
        """Return what answers queries on a connection of the engine's, given by its driver's own."""

    async def connect_writer(self) -> WriteConnection:
        """Open the click writer's connection."""

    def pools(self) -> Sequence[PoolUsage]:
        """Return how the pools of connections are used now."""

    def log_bytes(self) -> int | None:
        """Return how long SQLite's write-ahead log is; None for another database."""

    def drop_idle(self) -> None:
        """Give up the pooled connections that nobody uses: they may be dead, or keep what was true during an outage,
        such as a default of their session."""

    async def close(self) -> None:
        """Close every connection that was kept; those that are needed again are opened anew."""

    def fault(self, error: BaseException) -> Fault:
        """Return whose fault an error from this database's driver is."""

    def verdict(self, error: BaseException) -> Verdict:
        """Return whose fault an error from this database's driver is, and the reason for an outage."""
