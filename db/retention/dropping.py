"""Drops the clicks of old months on PostgreSQL, while gateways run.

What counts clicks goes on counting them: counters, rollups and segments stay as they are, and what can no longer be
recounted is noted. Clicks that conversions belong to stay as well, in a partition of their own. All of it is one
transaction, and only its end locks clicks out: it tries to get the locks for a tenth of a second at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.distribution_lock import keep_undistributed
from db.engine.patience import patiently
from db.engine.store import Store
from db.errors import ClicksNeeded
from db.partitions.months import Month, month_of
from db.retention import statements
from db.retention.rollups import keep_rollups

# A transaction that waits for a lock keeps those waiting that come after it.
LOCK_SECONDS = 0.1
# A sale may be sent some time after it happened.
MARGIN_DAYS = 31


class Partition(NamedTuple):
    """A partition of clicks, with the id at which the next one begins."""

    name: str
    end_id: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was done: the partitions that were dropped, how many clicks are gone, how many of theirs stay, and how many
    bytes the partitions took."""

    partitions: Sequence[str]
    clicks: int
    kept: int
    bytes: int


async def drop_before(store: Store, month: Month, now: datetime) -> Dropped:
    """Drop the clicks of all months before one, apart from those that conversions belong to. Raises `ClicksNeeded` if
    any of them are still needed, and `DatabaseUnavailable`: then nothing is dropped."""
    if store.is_sqlite:
        raise ClicksNeeded("SQLite keeps all clicks in one table: only PostgreSQL has a partition for each month")
    async with store.read() as connection:
        partitions = await _partitions_before(connection, month)
        await _check(connection, month, now)
    if not partitions:
        return Dropped((), 0, 0, 0)
    kept = statements.kept_table(month)
    await patiently(lambda: _make_table(store, kept, month))
    async with store.write(may_wait=True) as connection:
        await _keep_undistributed(connection)
        values = {"end_id": month.first_id}
        stay = (await connection.execute(text(statements.keep(kept)), values)).rowcount
        gone = await connection.scalar(text(statements.count_dropped(kept)), values) or 0
        day = await connection.scalar(text(statements.FIRST_DAY), values | {"start": _start_of(month)})
        await keep_rollups(connection, month.first_id, day)
        await _lock_out(store, connection)
        # A consumer may have started from the beginning meanwhile.
        await _check(connection, month, now)
        await connection.execute(text(statements.MOVE_HORIZON), values | {"day": day})
        for command in statements.replace([partition.name for partition in partitions], kept, month):
            await connection.execute(text(command))
    size = sum(partition.bytes for partition in partitions)
    return Dropped([partition.name for partition in partitions], int(gone), stay, size)


async def _partitions_before(connection: AsyncConnection, month: Month) -> Sequence[Partition]:
    """Return the partitions to drop: none if there are only clicks that are left of earlier ones."""
    found = [Partition(*row) for row in await connection.execute(text(statements.PARTITIONS))]
    first, *_ = found
    before = [partition for partition in found if partition.end_id <= month.first_id]
    if not before and first.end_id > month.first_id:
        raise ClicksNeeded(
            f"the oldest clicks are in one partition with those of later months: it can be dropped before "
            f"{_name(first.end_id)}, not before {month.name}"
        )
    return [] if [partition.name for partition in before] == [statements.kept_table(month)] else before


async def _check(connection: AsyncConnection, month: Month, now: datetime) -> None:
    """Raise `ClicksNeeded` if clicks from before a month may still be credited, or have yet to be processed."""
    days = int(await connection.scalar(text(statements.LONGEST_WINDOW)) or 0)
    latest = (now - timedelta(days=days + MARGIN_DAYS)).replace(day=1)
    if _start_of(month) > latest:
        raise ClicksNeeded(
            f"clicks count for up to {days} days, and sales may be sent {MARGIN_DAYS} days late: "
            f"the latest month to drop clicks before is {latest:%Y-%m}"
        )
    waiting = await connection.scalar(text(statements.IS_WAITING), {"end_id": month.first_id})
    if waiting:
        raise ClicksNeeded(
            f"{waiting} before {month.name} have yet to be processed: try again when gateways have run for a while"
        )


async def _make_table(store: Store, kept: str, month: Month) -> None:
    """Make the table of the clicks that stay, with foreign keys as long as there is nothing to check."""
    async with store.write() as connection:
        await _keep_undistributed(connection)
        await connection.execute(text(f"SET LOCAL lock_timeout = {round(1000 * LOCK_SECONDS)}"))
        for command in statements.make_kept(kept, month, is_cluster=store.database.is_cluster):
            await connection.execute(text(command))


async def _keep_undistributed(connection: AsyncConnection) -> None:
    if not await keep_undistributed(connection):
        raise ClicksNeeded(
            "clicks cannot be dropped while `clickgate db distribute` copies them: try again when it has ended"
        )


async def _lock_out(store: Store, connection: AsyncConnection) -> None:
    """Take the locks that it takes to drop partitions, and keep them to the end of the transaction. A consumer that
    starts from the beginning then either has found all clicks, or will know which ones are gone."""

    async def lock() -> None:
        with store.outages():
            async with connection.begin_nested():
                await connection.execute(text(f"SET LOCAL lock_timeout = {round(1000 * LOCK_SECONDS)}"))
                await connection.execute(text(statements.LOCK_OUT))
                await connection.execute(text(statements.HOLD_CONSUMERS))

    await patiently(lock)


def _start_of(month: Month) -> datetime:
    return datetime(month.year, month.number, 1, tzinfo=UTC)


def _name(first_id: int) -> str:
    month = month_of(first_id)
    return str(first_id) if month is None else month.name
