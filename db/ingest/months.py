"""The turn of the month on PostgreSQL: a new month's clicks get ids of the month, and so a partition of their own.

Of two transactions that record the same `event_id`, the later one finds it in the unique index of the partition that
both write to. So no two transactions may write to different partitions at once: the turn removes the rows of all
writers, which waits for their batches, and makes them begin anew with ids of the new month, once a month. A batch that
fails because of that looks for its event ids again, in all partitions.
"""

import logging
from collections.abc import Awaitable
from time import monotonic
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Text, bindparam, column, text

from db.engine.backend.driver_errors import FORBIDDEN, LOCKED
from db.engine.backend.protocol import Database, Fault, WriteConnection
from db.engine.redaction import described
from db.ingest.id_blocks import EVENTS
from db.ingest.writer_rows import REMOVE_FOUND
from db.partitions.months import Month
from db.partitions.statements import CLICKS, MONTHS_AHEAD, make, table_of
from db.schema.columns import UtcDateTime
from db.sql.compiled_queries import CompiledQuery

logger = logging.getLogger(__name__)

# Clicks wait behind whoever waits for a lock. Partitions are made months before they are needed, so there is time to
# try again; a batch takes some hundredths of a second.
PARTITION_LOCK_SECONDS = 0.2
TURN_LOCK_SECONDS = 1
RETRY_SECONDS = 60
# The key of an advisory lock: of several gateways, one makes partitions.
PARTITION_LOCK = 0x636C69636B70

# The parts of a statement that reads the database's clock, which all gateways share.
THIS_MONTH = "to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')::integer"
IS_PREPARED = (
    f"to_regclass('{CLICKS}_' || to_char(now() AT TIME ZONE 'UTC' + interval '{MONTHS_AHEAD} months', 'YYYY_MM'))"
    " IS NOT NULL"
)

_take_lock = text("SELECT pg_advisory_xact_lock(:key) IS NULL").bindparams(bindparam("key", type_=BigInteger))
TAKE_LOCK = CompiledQuery(_take_lock.columns(column("nothing", Boolean)))
_is_there = text("SELECT to_regclass(:name) IS NOT NULL").bindparams(bindparam("name", type_=Text))
IS_THERE = CompiledQuery(_is_there.columns(column("is_there", Boolean)))
_remove_writers = text(
    f"WITH found AS (SELECT id FROM click_writers WHERE id > 0 ORDER BY id FOR UPDATE), {REMOVE_FOUND}"  # noqa: S608  our own words
).bindparams(bindparam("moment", type_=UtcDateTime))
REMOVE_WRITERS = CompiledQuery(_remove_writers.columns(column("id", BigInteger)))
_begin_month = text(
    f"UPDATE id_blocks SET next_id = :first_id + 1 WHERE name = '{EVENTS}' AND next_id < :first_id RETURNING next_id"  # noqa: S608  our own name
).bindparams(bindparam("first_id", type_=BigInteger))
BEGIN_MONTH = CompiledQuery(_begin_month.columns(column("next_id", BigInteger)))


class MonthNow(NamedTuple):
    """What the database says of the month: the next id of a click, the year and month by its clock, as one number, and
    whether the partitions of the next months are made."""

    next_id: int
    number: int
    is_prepared: bool

    @property
    def month(self) -> Month:
        """The month by the database's clock."""
        return Month(*divmod(self.number, 100))

    @property
    def is_turned(self) -> bool:
        """Whether ids are of this month, or of a later one after the clock was set back."""
        return self.next_id >= self.month.first_id


class MonthKeeper:
    """Makes partitions ahead of time, and turns the month. Used by one task at a time, between two batches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._again_at = 0.0

    async def keep(self, connection: WriteConnection, now: MonthNow) -> bool:
        """Do what is due; return whether that removed the rows of all writers. If it cannot be done now, ids and
        partitions stay what they are, and it is tried again."""
        if (now.is_prepared and now.is_turned) or monotonic() < self._again_at:
            return False
        connection.fence(None)
        # Each by itself: a month that has its partition begins even if later ones cannot be made.
        has_turned = not now.is_turned and await self._tried(connection, self._turn(connection, now.month))
        if not now.is_prepared:
            await self._tried(connection, self._make_partitions(connection, now.month))
        return has_turned

    async def _tried(self, connection: WriteConnection, step: Awaitable[bool]) -> bool:
        """Return what a step returns, or False if it cannot be done now."""
        try:
            return await step
        except Exception as error:
            verdict = self._database.verdict(error)
            if verdict.fault is Fault.OUTAGE and verdict not in (LOCKED, FORBIDDEN):
                raise
            await connection.rollback()
            self._again_at = monotonic() + RETRY_SECONDS
            if verdict is LOCKED:
                logger.info("the next month is left for later, because others hold locks")
            else:
                logger.warning("the partitions of the next months are not made yet: %s", described(error))
            return False

    async def _make_partitions(self, connection: WriteConnection, month: Month) -> bool:
        await connection.begin(PARTITION_LOCK_SECONDS)
        await connection.read(TAKE_LOCK, {"key": PARTITION_LOCK})
        for months in range(MONTHS_AHEAD + 1):
            later = month.later(months)
            if not await _is_made(connection, later):
                for command in make(later):
                    await connection.command(command)
                logger.info("made the partition of clicks of %s", later.name)
        await connection.commit()
        return True

    async def _turn(self, connection: WriteConnection, month: Month) -> bool:
        if not await _is_made(connection, month):
            return False
        # Writers first, like batches, which lock their writer's row before anything else.
        await connection.begin(TURN_LOCK_SECONDS)
        await connection.read(REMOVE_WRITERS, {"moment": None})
        begun = await connection.read(BEGIN_MONTH, {"first_id": month.first_id})
        await connection.commit()
        if begun:
            logger.info("clicks are recorded in the partition of %s from now on", month.name)
        return True


async def _is_made(connection: WriteConnection, month: Month) -> bool:
    ((is_there,),) = await connection.read(IS_THERE, {"name": table_of(month)})
    return bool(is_there)
