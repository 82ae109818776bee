"""A read replica of PostgreSQL: a standby server that streams the primary's changes, and how far it has come.

A position is a place in the primary's write-ahead log. A standby that has replayed a position has everything that was
committed when the primary was asked for it, by the order of the log and by nobody's clock. So a gateway asks the
primary for its position again and again, and the standby for what it has replayed: what the standby shows is as of the
latest question whose answer it has reached.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, cast, column, func, literal_column, select, table

from db.engine.store import Store
from db.errors import DatabaseUnavailable, UnusableDatabase
from db.sql.compiled_queries import CompiledQuery
from db.tasks import end

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.25
# A server that takes longer is as good as gone.
LOOK_SECONDS = 2
# A dashboard that is this old is worse than one that takes a little longer.
MOST_LAG = timedelta(seconds=5)
UNASKED = "it could not be asked how far it has come"
# Looks whose position the standby has yet to reach: those of the longest lag, and some to spare.
MOST_MARKS = 64
START: Any = literal_column("'0/0'::pg_lsn")


def _position(function: Any) -> Any:
    return cast(func.pg_wal_lsn_diff(function, START), BigInteger)


# Of the log itself and not of what is flushed: a commit is visible before it is flushed if it does not wait for that.
WRITTEN = CompiledQuery(select(_position(func.pg_current_wal_insert_lsn())))
# A physical copy has the server's and the database's numbers.
DATABASES = table("pg_database", column("oid"), column("datname"))
_IDENTITY = (
    select(column("system_identifier")).select_from(func.pg_control_system()).scalar_subquery(),
    select(cast(DATABASES.c.oid, BigInteger)).where(DATABASES.c.datname == func.current_database()).scalar_subquery(),
)
IDENTITY = CompiledQuery(select(*_IDENTITY))
STANDBY = CompiledQuery(
    select(cast(func.pg_is_in_recovery(), Boolean), _position(func.pg_last_wal_replay_lsn()), *_IDENTITY)
)


class _Mark(NamedTuple):
    """When the primary was asked for its position, and the answer."""

    asked_at: datetime
    position: int


class Replica:
    """A standby of the database of `primary`, at a URL. `clock` returns the current time in UTC. Raises
    `UnusableDatabase` unless both are PostgreSQL."""

    def __init__(self, primary: Store, url: str, clock: Callable[[], datetime]) -> None:
        self.store = Store(url)
        if primary.is_sqlite or self.store.is_sqlite:
            raise UnusableDatabase("only PostgreSQL has read replicas")
        self.lag: timedelta | None = None
        """How old what the replica shows is; None while it is left out."""
        self._primary = primary
        self._clock = clock
        self._marks: deque[_Mark] = deque(maxlen=MOST_MARKS)
        self._as_of: datetime | None = None
        self._replayed = -1
        self._reason: str | None = ""
        self._reads: set[asyncio.Timeout] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow the replica."""
        self._task = asyncio.create_task(self._follow(), name="replica")

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)
        await self.store.close()

    def as_of(self, position: int = 0) -> datetime | None:
        """Return the time up to which the replica shows every commit; None if it is left out, or has not reached a
        position."""
        if self._reason is not None or self._as_of is None or self._replayed < position:
            return None
        return self._as_of if self._clock() - self._as_of <= MOST_LAG else None

    async def written(self) -> int:
        """Return the position of the primary, which everything that is committed by now comes before. Raises
        `DatabaseUnavailable`."""
        ((position,),) = await self._primary.fetch(WRITTEN)
        return int(position)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Store]:
        """Lend the replica for a read. Raises `TimeoutError` in the block once its server does not answer: the driver
        would notice that much later."""
        async with asyncio.timeout(None) as limit:
            self._reads.add(limit)
            try:
                yield self.store
            finally:
                self._reads.discard(limit)

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._look()
            except TimeoutError:
                self._lose(f"there was no answer within {LOOK_SECONDS} seconds")
            except DatabaseUnavailable as error:
                self._lose(str(error))
            except Exception as error:
                if self._reason != UNASKED:
                    logger.exception("the replica cannot be followed", exc_info=error)
                self._lose(UNASKED)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _look(self) -> None:
        asked_at = self._clock()
        self._marks.append(_Mark(asked_at, await self.written()))
        ((is_standby, replayed, *identity),) = await self.store.fetch(STANDBY)
        if not is_standby:
            self._leave_out("its server is not a standby")
            return
        if self._reason is not None and identity != [*(await self._primary.fetch(IDENTITY))[0]]:
            self._leave_out("it is a copy of another database")
            return
        while self._marks and self._marks[0].position <= replayed:
            self._as_of = self._marks.popleft().asked_at
        self._replayed = replayed
        lag = self._clock() - (self._as_of or self._marks[0].asked_at)
        if lag > MOST_LAG:
            self._leave_out(f"it is more than {MOST_LAG.total_seconds():g} seconds behind")
        elif self._as_of is not None:
            if self._reason is not None:
                logger.info("lists and reports come from the replica %s", self.store.name)
            self._reason, self.lag = None, lag

    def _leave_out(self, reason: str) -> None:
        """Stop reading from the replica until it has been found well again."""
        if self._reason != reason:
            logger.warning("the replica is left out, lists and reports come from the primary: %s", reason)
        self._reason, self._as_of, self.lag = reason, None, None
        self._marks.clear()

    def _lose(self, reason: str) -> None:
        """Leave the replica out, and end what is being read from it."""
        self._leave_out(reason)
        now = asyncio.get_running_loop().time()
        for limit in self._reads:
            limit.reschedule(now)
