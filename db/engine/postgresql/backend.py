"""The PostgreSQL backend, on asyncpg: its SQLAlchemy engine, its pool of readers and its error classification.

Everything outside this folder uses it through `db.engine.backend.protocol.Database`.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

import asyncpg
from sqlalchemy import URL, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from db.engine.backend import driver_errors, pool_usage
from db.engine.backend.pool_usage import PoolUsage, PoolWaiters, usage_of
from db.engine.backend.protocol import Fault, Verdict
from db.engine.backend.read_pool import ReadPool
from db.engine.postgresql.connections import PostgresSource, PostgresWriteConnection
from db.engine.postgresql.connector import Connector
from db.engine.postgresql.url import connection_parameters
from db.errors import StoreError
from db.sql.compiled_queries import Query
from db.sql.transactions import NEXT_NUMBER, OLDEST_ON_CLUSTER, OLDEST_RUNNING

POOL_SIZE = 10
# JIT compilation would take longer than these short statements run.
SESSION = {"application_name": "clickgate", "jit": "off"}
# A writer that abandoned a batch or died must not leave behind a session that waits for locks or holds them.
WRITER_SESSION = {
    "lock_timeout": "8s",
    "idle_in_transaction_session_timeout": "30s",
    # Rows must be locked in the order of the parameters, which is the order of their key. Other plans may use another
    # order, and two gateways could deadlock.
    **dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"), "off"),
}
# Queries use indexes and nested loops, and join in the order in which they are written, as on SQLite. The planner
# cannot estimate how many rows lie between two values that are known only at run time, and would scan whole tables.
# Since plans do not depend on the values then, one generic plan per statement is enough.
READER_SESSION = {
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # Or a join would once read all rows that a partner may see, rather than look each one up by its key.
    "enable_material": "off",
    "join_collapse_limit": "1",
    "plan_cache_mode": "force_generic_plan",
}
IS_READ_ONLY = select(func.current_setting("transaction_read_only"))
LIMIT_WAITING = select(func.set_config("lock_timeout", WRITER_SESSION["lock_timeout"], True))
# By then a dashboard has given up on the response.
READ_SECONDS = 30
# Up to this length of its SQL, the driver keeps a statement prepared. The largest reports have half of it; to plan one
# again each time takes a third as long as to run it. The driver itself keeps none of more than 15 KiB.
PREPARED_CHARACTERS = 64 * 1024

# The coordinator of a cluster passes on what a node refuses, without its SQLSTATE.
REFUSED_ROW = re.compile(
    r"violates \S+(?: \S+)? constraint|value too long for type|out of range for type|invalid input syntax"
    r"|invalid byte sequence for encoding"
)

# Errors without a SQLSTATE: from the driver, from SQLAlchemy's pool or from the operating system.
LOCAL_ERRORS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (asyncpg.InvalidCachedStatementError, driver_errors.CONFLICT),
    (asyncpg.InterfaceError, driver_errors.UNREACHABLE),
    # The driver's state is inconsistent because the connection broke mid-operation; a new connection is fine.
    (asyncpg.InternalClientError, driver_errors.UNREACHABLE),
    (PoolTimeout, driver_errors.CROWDED),
    (TimeoutError, driver_errors.SILENT),
    (OSError, driver_errors.UNREACHABLE),
    (EOFError, driver_errors.UNREACHABLE),
    (ValueError, driver_errors.ROW),  # from the driver, for a value that it cannot encode
)


class PostgresDatabase:
    """A PostgreSQL database, which any number of gateways may share."""

    def __init__(self, url: URL) -> None:
        self._connector = Connector(connection_parameters(url))
        self.engine = create_async_engine(
            url.set(query={}, host=None, port=None, username=None, password=None),  # `_connect_engine` supplies these
            pool_size=POOL_SIZE,
            pool_timeout=pool_usage.POOL_SECONDS,
            # A server restart leaves dead connections in the pool; a ping is cheaper than a failed request.
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"async_creator_fn": self._connect_engine, **self._connector.adapter_arguments},
        )
        self._readers = ReadPool(self._connect_reader, lambda error: self.fault(error) is Fault.OUTAGE, POOL_SIZE)
        self.waiting = PoolWaiters()
        self._idle: WeakSet[asyncpg.Connection] = WeakSet()
        event.listen(self.engine.sync_engine, "checkin", self._note_idle)
        event.listen(self.engine.sync_engine, "checkout", self._note_busy)

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self.engine.dialect)
        arguments = compiled.arguments(values)
        found = await self._readers.run(lambda connection: connection.fetch(compiled.sql, *arguments))
        return compiled.rows(found)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresSource]:
        async with self._readers.lent(lambda connection: connection.execute("BEGIN")) as (connection, _):
            yield PostgresSource(connection, self.engine.dialect)
            await connection.execute("COMMIT")

    @property
    def generation(self) -> int:
        return 0

    @property
    def is_cluster(self) -> bool:
        return self._connector.is_cluster

    async def oldest_running(self) -> int:
        ((oldest,),) = await self.fetch(OLDEST_ON_CLUSTER if self.is_cluster else OLDEST_RUNNING, {})
        return int(oldest)

    async def next_number(self) -> int:
        ((following,),) = await self.fetch(NEXT_NUMBER, {})
        return int(following)

    async def is_stale(self, connection: AsyncConnection) -> bool:
        # A session keeps the default it started with, even after the database's default has changed.
        is_read_only = await connection.scalar(IS_READ_ONLY) == "on"
        await connection.rollback()
        return is_read_only

    async def limit_waiting(self, connection: AsyncConnection) -> None:
        await connection.execute(LIMIT_WAITING)

    def source(self, driver: Any) -> PostgresSource:
        return PostgresSource(driver, self.engine.dialect)

    async def connect_writer(self) -> PostgresWriteConnection:
        # Not from the pool: after an unannounced failover, every pooled connection may be dead.
        connection = await self._connector.connect(SESSION | WRITER_SESSION)
        return PostgresWriteConnection(connection, self.engine.dialect, is_cluster=self._connector.is_cluster)

    async def close(self) -> None:
        self._readers.drop_idle()
        await self.engine.dispose()

    async def _connect_reader(self) -> asyncpg.Connection:
        return await self._connector.connect(
            SESSION | READER_SESSION, command_timeout=READ_SECONDS, max_cacheable_statement_size=PREPARED_CHARACTERS
        )

    async def _connect_engine(self, **_ours: Any) -> asyncpg.Connection:
        return await self._connector.connect(SESSION)

    def pools(self) -> Sequence[PoolUsage]:
        return [usage_of(self.engine, self.waiting), self._readers.usage("reading")]

    def log_bytes(self) -> None:
        return None

    def drop_idle(self) -> None:
        self._readers.drop_idle()
        # Terminated rather than closed: after an unannounced failover, each graceful close would wait for a timeout.
        while self._idle:
            self._idle.pop().terminate()

    def _note_idle(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        if entry.driver_connection is not None:  # None if the connection broke
            self._idle.add(entry.driver_connection)

    def _note_busy(self, _connection: object, entry: ConnectionPoolEntry, _fairy: object) -> None:
        if entry.driver_connection is not None:
            self._idle.discard(entry.driver_connection)

    def fault(self, error: BaseException) -> Fault:
        return self.verdict(error).fault

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, StoreError):
            return driver_errors.of_ours(error)
        for cause in driver_errors.causes(error):
            if (verdict := _verdict(cause)).fault is not Fault.UNKNOWN:
                return verdict
        is_broken = isinstance(error, DBAPIError) and error.connection_invalidated
        return driver_errors.UNREACHABLE if is_broken else driver_errors.UNKNOWN


def _verdict(error: BaseException) -> Verdict:
    for kind, verdict in LOCAL_ERRORS:
        if isinstance(error, kind):
            return verdict
    if isinstance(error, asyncpg.InternalServerError) and REFUSED_ROW.search(str(error)):
        return driver_errors.ROW
    sqlstate = getattr(error, "sqlstate", None)
    return driver_errors.of_sqlstate(sqlstate) if isinstance(sqlstate, str) else driver_errors.UNKNOWN
