"""The interface that both database backends implement, as protocols.

The store and the click writer are written against it, so everything specific to SQLite or to PostgreSQL stays in that
backend's folder.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Any, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.engine.backend.pool_usage import PoolUsage, PoolWaiters
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows
from db.sql.compiled_queries import CompiledQuery, Query


class Fault(Enum):
    """What caused a statement to fail, which decides how to react."""

    ROW = "row"
    """One of the rows is invalid; the others can be written without it."""
    CONFLICT = "conflict"
    """Two transactions conflicted; running this one again may succeed."""
    OUTAGE = "outage"
    """The database is unreachable, does not answer, or cannot write."""
    UNKNOWN = "unknown"
    """Unclassified error."""


class Verdict(NamedTuple):
    """The class of an error and, for an outage, its reason in words that are safe to show to anyone."""

    fault: Fault
    reason: str = ""


class Source(Protocol):
    """Anything that runs compiled queries on the driver directly, without SQLAlchemy."""

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query with values by parameter name; return all rows, each of which behaves like a tuple."""


class WriteConnection(Protocol):
    """A connection reserved for the click writer, on the driver directly. Only one task may use it at a time."""

    async def read(self, query: CompiledQuery, values: Mapping[str, Any]) -> Sequence[Any]:
        """Run a query with values by parameter name; return all rows, each of which behaves like a tuple."""

    def fence(self, writer_id: int | None) -> None:
        """Tie every later transaction to a row of `click_writers`: it locks the row, which cannot be removed until it
        ends, and raises `WriterGone` if the row no longer exists. Pass None to stop. SQLite, which has a single writer,
        ignores this."""

    @property
    def is_in_transaction(self) -> bool:
        """Whether a transaction is open."""

    async def begin(self, wait_seconds: float | None = None) -> None:
        """Start a transaction that may write. SQLite waits here for any other writer. `wait_seconds` limits how long
        the transaction waits for a lock."""

    async def fetch(self, statement: BatchStatement, keys: Sequence[RowValues]) -> Sequence[RowValues]:
        """Run a query once for each key; return all rows found, in no particular order."""

    async def execute(self, *work: StatementRows) -> None:
        """Run statements for their rows, in this order. No statement sees the changes of another."""

    async def command(self, sql: str) -> None:
        """Run a command without parameters, such as `SAVEPOINT`."""

    async def commit(self, *work: StatementRows) -> None:
        """Run statements as `execute` does, then commit: the open transaction, or one of their own. Returns once the
        changes are durable."""

    async def rollback(self) -> None:
        """Roll back the transaction, if one is open."""

    async def close(self) -> None:
        """Close the connection, whatever its state. Never raises."""


class Database(Source, Protocol):
    """A database backend. Its own `fetch` runs a query outside any transaction."""

    engine: AsyncEngine
    waiting: PoolWaiters
    """The tasks waiting for a connection from the engine's pool."""

    @property
    def generation(self) -> int:
        """A number that changes when the database may have been replaced by another. Anything read or reserved before
        the change is void."""

    @property
    def is_cluster(self) -> bool:
        """Whether tables are, or may be, distributed over several nodes, as far as the latest connection tells. Each
        node then has a snapshot of its own, and what is committed shows on one after the other."""

    def snapshot(self) -> AbstractAsyncContextManager[Source]:
        """Open a snapshot in which several queries see the same data. Only one task may use it at a time."""

    async def is_stale(self, connection: AsyncConnection) -> bool:
        """Return whether a pooled connection is read-only, possibly because it was opened while the database was."""

    async def limit_waiting(self, connection: AsyncConnection) -> None:
        """Limit how long the open transaction waits for locks to what a client would wait for a response."""

    def source(self, driver: Any) -> Source:
        """Return a source that runs queries on one of the engine's connections, given the driver's connection."""

    async def oldest_running(self) -> int:
        """Return a number below which all transactions have ended, so that later statements see what they committed;
        see `db.sql.transactions`. SQLite returns 0."""

    async def next_number(self) -> int:
        """Return a number above those of all transactions that have begun to write. SQLite returns 0."""

    async def connect_writer(self) -> WriteConnection:
        """Open the click writer's connection."""

    def pools(self) -> Sequence[PoolUsage]:
        """Return the current usage of each connection pool."""

    def log_bytes(self) -> int | None:
        """Return the size of SQLite's write-ahead log; None on PostgreSQL."""

    def drop_idle(self) -> None:
        """Discard the pools' idle connections. After an outage they may be dead, or carry session defaults from during
        it, such as read-only mode."""

    async def close(self) -> None:
        """Close all pooled connections. The pools open new ones on demand."""

    def fault(self, error: BaseException) -> Fault:
        """Classify an error from this backend's driver."""

    def verdict(self, error: BaseException) -> Verdict:
        """Classify an error from this backend's driver, with the reason if it is an outage."""
