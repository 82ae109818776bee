"""PostgreSQL through asyncpg: its engine, the click writer's connection, and what its errors mean."""

from collections.abc import Sequence

import asyncpg
from sqlalchemy import URL, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from db.database import Fault
from db.statements import Row, Statement

CONNECT_SECONDS = 5
POOL_SIZE = 10

_FAULTS: tuple[tuple[tuple[type[BaseException], ...], Fault], ...] = (
    # A ValueError is the driver's own, of a value that it cannot encode.
    ((asyncpg.IntegrityConstraintViolationError, asyncpg.DataError, ValueError), Fault.ROW),
    ((asyncpg.TransactionRollbackError, asyncpg.InvalidCachedStatementError), Fault.CONFLICT),
    (
        (
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,
            asyncpg.InsufficientResourcesError,
            asyncpg.InvalidAuthorizationSpecificationError,
            asyncpg.InvalidCatalogNameError,
            asyncpg.ObjectNotInPrerequisiteStateError,  # the database takes no connections
            asyncpg.ReadOnlySQLTransactionError,
            asyncpg.PostgresSystemError,
            asyncpg.InterfaceError,
            # The driver lost track of a connection that broke in the middle of something; a new one starts afresh.
            asyncpg.InternalClientError,
            OSError,
            TimeoutError,
        ),
        Fault.AWAY,
    ),
)


class PostgresDatabase:
    """A PostgreSQL server, shared by any number of gateways."""

    def __init__(self, url: URL) -> None:
        self.engine = create_async_engine(
            url,
            pool_size=POOL_SIZE,
            # A restarted server leaves dead connections in the pool; asking first is cheaper than failing a read.
            pool_pre_ping=True,
            connect_args={
                "timeout": CONNECT_SECONDS,
                # Compiling a plan costs more than any of these short statements.
                "server_settings": {"application_name": "clickgate", "jit": "off"},
            },
        )

    async def connect_writer(self) -> "PostgresWriteConnection":
        return PostgresWriteConnection(await self.engine.raw_connection())

    def fault(self, error: BaseException) -> Fault:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return Fault.AWAY
        cause: BaseException | None = error
        while cause is not None:  # SQLAlchemy wraps the driver's error once or twice, as its cause
            for kinds, fault in _FAULTS:
                if isinstance(cause, kinds):
                    return fault
            cause = cause.__cause__
        return Fault.UNKNOWN


class PostgresWriteConnection:
    """One connection of the engine, driven through asyncpg, which sends all rows of a statement in one go."""

    def __init__(self, connection: PoolProxiedConnection) -> None:
        self._pooled = connection
        driver = connection.driver_connection
        if not isinstance(driver, asyncpg.Connection):
            raise TypeError(f"not an asyncpg connection: {driver!r}")
        self._driver = driver

    async def begin(self) -> None:
        await self._driver.execute("BEGIN")

    async def fetch(self, statement: Statement, keys: Sequence[Row]) -> Sequence[Row]:
        return [tuple(row) for row in await self._driver.fetchmany(statement.sql, statement.rows(keys))]

    async def execute(self, statement: Statement, rows: Sequence[Row]) -> None:
        await self._driver.executemany(statement.sql, statement.rows(rows))

    async def command(self, sql: str) -> None:
        await self._driver.execute(sql)

    async def commit(self) -> None:
        await self._driver.execute("COMMIT")

    async def rollback(self) -> None:
        await self._driver.execute("ROLLBACK")

    async def close(self) -> None:
        # Whoever closes it cannot know whether a transaction is still open in it, so the pool must not reuse it.
        self._pooled.invalidate()
