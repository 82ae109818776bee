"""Add, list, rewind and remove the consumers that the database knows, while gateways run."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import (
    BigInteger,
    Insert,
    String,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.store import Store
from db.errors import DatabaseUnavailable, RowRefused, UnknownConsumer
from db.outbox.conditions import is_ahead_of
from db.outbox.consumer import Consumer
from db.outbox.event_ranges import all_ranges
from db.outbox.history import list_history, note_history, unlisted_events
from db.schema.columns import now
from db.schema.outbox import OutboxConsumer, OutboxGap, OutboxHistory, OutboxRange
from db.sql.transactions import IN_SNAPSHOT

# The consumer's runner may be in the middle of a portion.
PATIENCE_SECONDS = 60
RETRY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class ConsumerState:
    """How far a consumer has come."""

    name: str
    position: int
    waiting_rows: int
    """Rows of the log that it has yet to pass."""
    waiting_events: int
    """Events in those rows."""
    unlisted_events: int
    """About how many events are yet to be listed in the log for it, before it goes on."""
    oldest_at: datetime | None
    """When the oldest of them was recorded."""
    updated_at: datetime
    """When its position last moved."""


async def list_consumers(store: Store) -> Sequence[ConsumerState]:
    """Return all consumers, by name. Raises `DatabaseUnavailable`."""
    async with store.read() as connection:
        consumers = (await connection.execute(select(OutboxConsumer.__table__).order_by(OutboxConsumer.name))).all()
        return [await _state(connection, row.name, row.position, row.updated_at) for row in consumers]


async def _state(connection: AsyncConnection, name: str, position: int, updated_at: datetime) -> ConsumerState:
    row = OutboxRange
    figures = select(func.count(), func.coalesce(func.sum(row.events), 0), func.min(row.recorded_at))
    for_it = or_(row.consumer.is_(None), row.consumer == name)
    rows, events, oldest_at = (await connection.execute(figures.where(is_ahead_of(name), for_it))).one()
    unlisted = await connection.scalar(select(unlisted_events(name))) or 0
    return ConsumerState(name, position, rows, int(events), unlisted, oldest_at, updated_at)


async def add_consumer(store: Store, consumer: Consumer) -> None:
    """Add a consumer, which begins with the first event that was ever recorded; if it is there already, it goes on
    where it was. Raises `DatabaseUnavailable`."""
    async with store.read() as connection:
        if await connection.scalar(select(OutboxConsumer.name).where(OutboxConsumer.name == consumer.name)):
            return
    with suppress(RowRefused):  # another gateway has just added it
        await _patiently(store, consumer, is_new=True)


async def rewind_consumer(store: Store, consumer: Consumer) -> None:
    """Have a consumer start again from the first event that was ever recorded, after removing what it has written.

    One transaction: no event is left out or counted twice. Raises `DatabaseUnavailable`, `UnknownConsumer`.
    """
    await _patiently(store, consumer, is_new=False)


async def remove_consumer(store: Store, name: str) -> None:
    """Remove a consumer, so that the log no longer keeps rows for it. Raises `DatabaseUnavailable`,
    `UnknownConsumer`."""
    async with store.write() as connection:
        found = await connection.execute(delete(OutboxConsumer).where(OutboxConsumer.name == name))
        if not found.rowcount:
            raise UnknownConsumer(f"the outbox has no consumer {name!r}")
        await _remove_rows(connection, name)


async def _remove_rows(connection: AsyncConnection, name: str) -> None:
    """Remove whatever there is for a consumer, apart from its position."""
    for table in (OutboxGap, OutboxHistory, OutboxRange):
        await connection.execute(delete(table).where(table.consumer == name))


async def _patiently(store: Store, consumer: Consumer, *, is_new: bool) -> None:
    """Start a consumer from the beginning; try again where other writers are in the way. Gateways list what remains of
    a long history."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            async with store.write(may_wait=True, in_one_snapshot=True) as connection:
                await _start_from_beginning(store, connection, consumer, is_new=is_new)
            break
        except DatabaseUnavailable as error:
            if not any(word in str(error) for word in ("locked", "serialize")) or monotonic() > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)
    # A short history is in the log before anybody asks for it. What other writers do not let through, gateways list.
    with suppress(DatabaseUnavailable):
        await list_history(store, consumer.name, most_parts=len(consumer.kinds))


async def _start_from_beginning(store: Store, connection: AsyncConnection, consumer: Consumer, *, is_new: bool) -> None:
    name = consumer.name
    if is_new:
        await connection.execute(insert(OutboxConsumer).values(name=name, position=0, complete_to=0))
    else:
        # Its runner holds the row for as long as it works.
        row = select(OutboxConsumer.name).where(OutboxConsumer.name == name).with_for_update()
        if await connection.scalar(row) is None:
            raise UnknownConsumer(f"the outbox has no consumer {name!r}")
    end = await connection.scalar(select(func.coalesce(func.max(OutboxRange.id), 0))) or 0
    end = max(end, await connection.scalar(select(OutboxConsumer.position).where(OutboxConsumer.name == name)) or 0)
    await consumer.reset(connection)
    await _remove_rows(connection, name)
    complete_to = await _add_gaps(store, connection, name, end)
    moved = update(OutboxConsumer).where(OutboxConsumer.name == name)
    await connection.execute(moved.values(position=end, complete_to=complete_to, updated_at=now()))
    if consumer.lists_at_once:
        for kind in sorted(consumer.kinds):
            await connection.execute(_all_events(kind, name))
    else:
        await note_history(connection, name, consumer.kinds)


def _all_events(kind: str, name: str) -> Insert:
    """Return the statement that adds all events of a kind to the log, for one consumer."""
    found = all_ranges(kind).add_columns(literal(kind, String), literal(name, String))
    columns = ["program_id", "first_id", "last_id", "events", "kind", "consumer"]
    return insert(OutboxRange).from_select(columns, found, include_defaults=False)


async def _add_gaps(store: Store, connection: AsyncConnection, name: str, end: int) -> int:
    """Add gaps for all ids up to the end that no row is visible for and may get one; return up to where none is
    missing. The events of visible rows are visible, too, and are added to the log once more."""
    if store.is_sqlite:
        return end
    if store.database.is_cluster:  # where the coordinator's snapshot is older than those of its nodes
        following = await store.database.next_number()
    else:
        oldest, following = (await connection.execute(IN_SNAPSHOT)).one()
        if oldest == following:
            return end
    ids = union_all(select(OutboxRange.id), select(literal(end + 1, BigInteger))).subquery()
    rows = select(ids.c.id, func.lag(ids.c.id, 1, 0).over(order_by=ids.c.id).label("before")).subquery()
    gaps = select(literal(name, String), rows.c.before + 1, rows.c.id - 1, literal(following, BigInteger))
    gaps = gaps.where(rows.c.id > rows.c.before + 1)
    await connection.execute(insert(OutboxGap).from_select(["consumer", "first_id", "last_id", "horizon"], gaps))
    first = await connection.scalar(select(func.min(OutboxGap.first_id)).where(OutboxGap.consumer == name))
    return end if first is None else int(first) - 1
