"""PostgreSQL through asyncpg: its engine, the click writer's connection, and what its errors mean."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any
from weakref import WeakSet

import asyncpg
from msgspec.json import encode
from sqlalchemy import URL, Dialect, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from db import outages
from db.connections import Connections
from db.database import Fault, Verdict
from db.errors import StoreError, WriterGone
from db.pool_usage import PoolUsage, Waiting, usage_of
from db.postgres_connecting import Connecting
from db.postgres_url import target_of
from db.queries import Query
from db.statements import Row, Statement, Work

# A session keeps the plans of its foreign keys' checks, made perhaps when the tables were empty and any index as good
# as another; until statistics are gathered, a minute later, each check would read all of a program's customers.
REPLAN_BATCHES = 100
PARAMETER = re.compile(r"\$(\d+)")
# Combinations of a batch's statements: with and without returning customers, and such.
STATEMENTS = 64
POOL_SIZE = 10
# Compiling a plan costs more than any of these short statements.
SESSION = {"application_name": "clickgate", "jit": "off"}
# A writer that gave up on a batch, or died, must not leave a session behind that waits or keeps its locks.
WRITER_SESSION = {
    "lock_timeout": "8s",
    "idle_in_transaction_session_timeout": "30s",
    # Rows are locked in the order in which they are given, or in that of their key, which is the same. Any other plan
    # would have its own order, and two gateways might wait for each other.
    **dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"), "off"),
}
# Queries go from row to row through indexes, in the order in which they are written, as on SQLite. The server cannot
# estimate how many rows lie between two values that it learns later, and would rather read all there are. So there is
# nothing to choose by the values, either, and a plan is made once.
READER_SESSION = {
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "join_collapse_limit": "1",
    "plan_cache_mode": "force_generic_plan",
}
IS_READ_ONLY = select(func.current_setting("transaction_read_only"))
LIMIT_WAITING = select(func.set_config("lock_timeout", WRITER_SESSION["lock_timeout"], True))
# A dashboard has long given up by then.
READ_SECONDS = 30

# Errors without a SQLSTATE, which the driver, SQLAlchemy's pool or the operating system raise.
LOCAL_ERRORS: tuple[tuple[type[BaseException], Verdict], ...] = (
    (asyncpg.InvalidCachedStatementError, outages.CONFLICT),
    (asyncpg.InterfaceError, outages.UNREACHABLE),
    # The driver lost track of a connection that broke in the middle of something; a new one starts afresh.
    (asyncpg.InternalClientError, outages.UNREACHABLE),
    (PoolTimeout, outages.CROWDED),
    (TimeoutError, outages.SILENT),
    (OSError, outages.UNREACHABLE),
    (EOFError, outages.UNREACHABLE),
    (ValueError, outages.ROW),  # the driver's own, of a value that it cannot encode
)


class PostgresDatabase:
    """A PostgreSQL server, shared by any number of gateways."""

    def __init__(self, url: URL) -> None:
        self._connecting = Connecting(target_of(url))
        self.engine = create_async_engine(
            url.set(query={}, host=None, port=None, username=None, password=None),  # the connections know them
            pool_size=POOL_SIZE,
            # A restarted server leaves dead connections in the pool; asking first is cheaper than failing a read.
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"async_creator_fn": self._connect_engine, **self._connecting.adapter_arguments},
        )
        self._readers = Connections(self._connect_reader, lambda error: self.fault(error) is Fault.AWAY, POOL_SIZE)
        self.waiting = Waiting()
        self._idle: WeakSet[asyncpg.Connection] = WeakSet()
        event.listen(self.engine.sync_engine, "checkin", self._note_idle)
        event.listen(self.engine.sync_engine, "checkout", self._note_busy)

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self.engine.dialect)
        arguments = compiled.arguments(values)
        async with self._readers.lent(lambda connection: connection.fetch(compiled.sql, *arguments)) as (_, found):
            return compiled.rows(found)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator["PostgresSource"]:
        async with self._readers.lent(lambda connection: connection.execute("BEGIN")) as (connection, _):
            yield PostgresSource(connection, self.engine.dialect)
            await connection.execute("COMMIT")

    @property
    def contents(self) -> int:
        return 0

    async def is_stale(self, connection: AsyncConnection) -> bool:
        # Sessions keep the default that they began with, also after the database has another one.
        is_read_only = await connection.scalar(IS_READ_ONLY) == "on"
        await connection.rollback()
        return is_read_only

    async def limit_waiting(self, connection: AsyncConnection) -> None:
        await connection.execute(LIMIT_WAITING)

    def source(self, driver: Any) -> "PostgresSource":
        return PostgresSource(driver, self.engine.dialect)

    async def connect_writer(self) -> "PostgresWriteConnection":
        # Not from the pool: after a silent failover, every connection in it may be dead.
        return PostgresWriteConnection(await self._connecting.connect(SESSION | WRITER_SESSION), self.engine.dialect)

    async def close(self) -> None:
        self._readers.drop_idle()
        await self.engine.dispose()

    async def _connect_reader(self) -> asyncpg.Connection:
        return await self._connecting.connect(SESSION | READER_SESSION, command_timeout=READ_SECONDS)

    async def _connect_engine(self, **_ours: Any) -> asyncpg.Connection:
        return await self._connecting.connect(SESSION)

    def pools(self) -> Sequence[PoolUsage]:
        return [usage_of(self.engine, self.waiting), self._readers.usage("reading")]

    def log_bytes(self) -> None:
        return None

    def drop_idle(self) -> None:
        self._readers.drop_idle()
        # Cut off, not closed: after a silent failover nobody answers a farewell, and each would be waited for.
        while self._idle:
            self._idle.pop().terminate()

    def _note_idle(self, _connection: object, entry: ConnectionPoolEntry) -> None:
        if entry.driver_connection is not None:  # it is none where the connection broke
            self._idle.add(entry.driver_connection)

    def _note_busy(self, _connection: object, entry: ConnectionPoolEntry, _fairy: object) -> None:
        if entry.driver_connection is not None:
            self._idle.discard(entry.driver_connection)

    def fault(self, error: BaseException) -> Fault:
        return self.verdict(error).fault

    def verdict(self, error: BaseException) -> Verdict:
        if isinstance(error, StoreError):
            return outages.of_ours(error)
        for cause in outages.causes(error):
            if (verdict := _verdict(cause)).fault is not Fault.UNKNOWN:
                return verdict
        is_broken = isinstance(error, DBAPIError) and error.connection_invalidated
        return outages.UNREACHABLE if is_broken else outages.UNKNOWN


def _verdict(error: BaseException) -> Verdict:
    for kind, verdict in LOCAL_ERRORS:
        if isinstance(error, kind):
            return verdict
    sqlstate = getattr(error, "sqlstate", None)
    return outages.of_sqlstate(sqlstate) if isinstance(sqlstate, str) else outages.UNKNOWN


class PostgresSource:
    """A connection in a transaction."""

    def __init__(self, driver: asyncpg.Connection, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect

    async def fetch(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        compiled = query.compiled(self._dialect)
        return compiled.rows(await self._driver.fetch(compiled.sql, *compiled.arguments(values)))


class PostgresWriteConnection:
    """A connection of asyncpg's own, on which everything that is given together is one statement and one round trip:
    rows go as JSON, and statements as parts of one."""

    def __init__(self, connection: asyncpg.Connection, dialect: Dialect) -> None:
        self._driver = connection
        self._source = PostgresSource(connection, dialect)
        self._batches = 0
        self._fence = ""

    async def read(self, query: Query, values: Mapping[str, Any]) -> Sequence[Any]:
        return await self._source.fetch(query, values)

    def fence(self, writer_id: int | None) -> None:
        # A number of ours; as a parameter, it would be encoded for each batch.
        self._fence = "" if writer_id is None else f"SELECT id FROM click_writers WHERE id = {writer_id} FOR KEY SHARE"  # noqa: S608

    async def begin(self, wait_seconds: float | None = None) -> None:
        wait = "" if wait_seconds is None else f"; SET LOCAL lock_timeout = {round(wait_seconds * 1000)}"
        await self._driver.execute("BEGIN" + wait)
        if self._fence and not await self._driver.fetch(self._fence):
            raise WriterGone

    async def fetch(self, statement: Statement, keys: Sequence[Row]) -> Sequence[Row]:
        if not keys:
            return []
        return [tuple(row) for row in await self._driver.fetch(statement.sql, _json(statement, keys))]

    async def execute(self, *work: Work) -> None:
        work = tuple((statement, rows) for statement, rows in work if rows)
        if work:
            given = (_json(statement, rows) for statement, rows in work)
            sql = _together(tuple(statement.sql for statement, _ in work), self._fence)
            try:
                await self._driver.execute(sql, *given)
            except asyncpg.DivisionByZeroError as error:
                raise WriterGone from error

    async def command(self, sql: str) -> None:
        await self._driver.execute(sql)

    async def commit(self, *work: Work) -> None:
        if self._driver.is_in_transaction():
            await self.execute(*work)
            await self._driver.execute("COMMIT")
            return
        self._batches += 1
        if self._batches % REPLAN_BATCHES == 0:
            await self._driver.execute("DISCARD PLANS")
        await self.execute(*work)

    async def rollback(self) -> None:
        if self._driver.is_in_transaction():  # a batch that was one statement has none left
            await self._driver.execute("ROLLBACK")

    async def close(self) -> None:
        # Not asked to end, but cut off: an unreachable server would not hear it.
        self._driver.terminate()


def _json(statement: Statement, rows: Sequence[Row]) -> str:
    return encode(statement.rows(rows)).decode()


@lru_cache(STATEMENTS)
def _together(statements: tuple[str, ...], fence: str) -> str:
    """Return one statement that runs all of these, which take their parameters one after the other. It fails with a
    division by zero, and changes nothing, where the fence finds nothing.

    The fence is locked first: an upgrade of the schema locks its table first, too, and neither waits for the other
    while it holds what that one wants.
    """
    parts: list[str] = [f"fence AS ({fence})"] if fence else []
    given = 0
    for sql in statements:
        pieces = PARAMETER.split(sql)
        numbers = [int(number) for number in pieces[1::2]]
        pieces[1::2] = [f"${given + number}" for number in numbers]
        parts.append(f"part_{len(parts)} AS ({''.join(pieces)})")
        given += max(numbers)
    found = " 1 / (SELECT count(*) FROM fence)" if fence else ""
    return f"WITH {', '.join(parts)} SELECT{found}"
