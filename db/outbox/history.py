"""Lists what was recorded before a consumer was added in the log, a part at a time, while other writers go on.

To list a long history in one transaction would keep every other writer of SQLite waiting for seconds. A part is found
in a snapshot of its own, and written together with how far that is in a short transaction, so that a process that is
killed leaves nothing half done, and any process goes on where it was.

Until the history is listed, the consumer processes nothing, and its position stays what it was when it was added. So
whatever a row of the log ahead of it covers was recorded later, and is handed to it by that row.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Dialect,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.backend.protocol import WriteConnection
from db.engine.schema_fence import find_revision, hold_schema
from db.engine.store import Store
from db.outbox.conditions import CLICK
from db.outbox.event_ranges import RANGE_EVENTS, ranges_of_part
from db.outbox.events import EVENTS
from db.outbox.statements import FIND_POSITION
from db.partitions.horizon import first_id
from db.partitions.months import month_of
from db.schema.outbox import OutboxConsumer, OutboxHistory, OutboxRange
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from db.sql.batch_statements import RowValues, Template, compiled
from db.sql.compiled_queries import CompiledQuery

# Takes half a second or less to find, during which others may write, and some hundredths to write.
PART_IDS = 200 * RANGE_EVENTS
_history = OutboxHistory
FIND_HISTORY = CompiledQuery(
    select(_history.kind, _history.listed_to, _history.last_id)
    .where(_history.consumer == bindparam("name"))
    .order_by(_history.kind)
)
_passed: BindParameter[int] = bindparam("passed", type_=BigInteger)
# Finds nothing where another process has listed the same part, or where the consumer was rewound, meanwhile.
MOVE_HISTORY = CompiledQuery(
    update(_history)
    .where(
        _history.consumer == bindparam("name"),
        _history.kind == bindparam("kind"),
        _history.listed_to == bindparam("before"),
        exists().where(OutboxConsumer.name == _history.consumer, OutboxConsumer.position == bindparam("position")),
    )
    .values(
        listed_to=bindparam("after"),
        events_left=case((_history.events_left > _passed, _history.events_left - _passed), else_=0),
    )
    .returning(_history.kind)
)


class _Part(NamedTuple):
    """The events of a kind to list, by their ids, with the consumer's position when they were found."""

    kind: str
    before: int
    after: int
    passed: int
    """How many ids were looked through."""
    is_last: bool
    position: int
    ranges: Sequence[RowValues]


def unlisted_events(consumer: Any) -> ColumnElement[int]:
    """Return about how many events are yet to be listed for a consumer."""
    left = func.coalesce(func.sum(_history.events_left), 0)
    return cast(select(left).where(_history.consumer == consumer).scalar_subquery(), BigInteger)


@lru_cache
def _find_next(kind: str) -> CompiledQuery:
    """Return the query for the first id of an event beyond `after`, in any program."""
    table = EVENTS[kind].table
    beyond = (table.program_id == Program.id, table.id > bindparam("after", type_=BigInteger))
    next_id = select(func.min(table.id)).where(*beyond).correlate(Program).scalar_subquery()
    programs = select(next_id.label("next_id")).select_from(Program).subquery()
    return CompiledQuery(select(func.min(programs.c.next_id)))


@lru_cache
def _find_ranges(kind: str, consumer: str, *, is_sqlite: bool) -> CompiledQuery:
    return CompiledQuery(ranges_of_part(kind, consumer, is_sqlite=is_sqlite))


async def note_history(connection: AsyncConnection, consumer: str, kinds: Iterable[str]) -> None:
    """Note that all events of some kinds are to be listed for a consumer, in the transaction that is open. Reads an
    index entry for each program."""
    for kind in sorted(kinds):
        table = EVENTS[kind].table
        last = select(func.max(table.id)).where(table.program_id == Program.id).correlate(Program).scalar_subquery()
        programs = select(last.label("last_id")).select_from(Program).subquery()
        if (last_id := await connection.scalar(select(func.max(programs.c.last_id)))) is not None:
            # Ids that begin with a month say nothing of how many there are.
            clicks = select(func.coalesce(func.sum(PartnerProgram.clicks), 0))
            events = last_id if month_of(last_id) is None else int(await connection.scalar(clicks) or 0)
            # What is left of months that were dropped is in what the consumer keeps of them.
            start = max(await connection.scalar(select(first_id())) or 0, 1) if kind == CLICK else 1
            values = {"consumer": consumer, "kind": kind, "listed_to": start - 1, "last_id": last_id}
            values |= {"events_left": events}
            await connection.execute(insert(_history).values(values))


async def list_history(store: Store, consumer: str, *, most_parts: int) -> None:
    """List so many parts of a consumer's history, or what there is. Raises `DatabaseUnavailable`."""
    lister = HistoryLister(store, consumer)
    if not await lister.is_needed():
        return
    with store.outages():
        connection = await store.database.connect_writer()
        try:
            for _ in range(most_parts):
                if not await lister.list_part(connection):
                    break
        finally:
            await connection.close()


class HistoryLister:
    """Lists the history of one consumer."""

    def __init__(self, store: Store, consumer: str) -> None:
        self._store = store
        self._name = consumer

    async def is_needed(self) -> bool:
        """Return whether there is anything left to list. Raises `DatabaseUnavailable`."""
        return bool(await self._store.fetch(FIND_HISTORY, {"name": self._name}))

    async def list_part(self, connection: WriteConnection) -> bool:
        """List a part; return False if nothing is left, or if another process is at it."""
        if self._store.is_sqlite:
            if (part := await self._read(connection)) is None:
                return False
            async with self._store.turn():
                await connection.begin()
                return await self._write(connection, part)
        await connection.begin()
        await hold_schema(connection, self._statements.find_revision)
        if (part := await self._read(connection)) is None:
            await connection.rollback()
            return False
        return await self._write(connection, part)

    async def _read(self, connection: WriteConnection) -> _Part | None:
        name = {"name": self._name}
        # On PostgreSQL this locks the consumer, so that nobody rewinds it meanwhile.
        position = await connection.read(FIND_POSITION, name)
        left = position and await connection.read(FIND_HISTORY, name)
        if not left:
            return None
        kind, before, last_id = left[0]
        # Between two months there are more ids than could ever be looked through.
        ((next_id,),) = await connection.read(_find_next(kind), {"after": before})
        if next_id is None or next_id > last_id:
            return _Part(kind, before, last_id, 0, True, position[0][0], ())
        # Blocks are never cut.
        start = max(before, next_id // RANGE_EVENTS * RANGE_EVENTS - 1)
        after = min(((start + 1) // PART_IDS + 1) * PART_IDS - 1, last_id)
        query = _find_ranges(kind, self._name, is_sqlite=self._store.is_sqlite)
        ranges = [tuple(row) for row in await connection.read(query, {"after": start, "to": after})]
        return _Part(kind, before, after, after - start, after == last_id, position[0][0], ranges)

    async def _write(self, connection: WriteConnection, part: _Part) -> bool:
        values = {"name": self._name, "kind": part.kind, "before": part.before}
        values |= {"after": part.after, "passed": part.passed}
        if not await connection.read(MOVE_HISTORY, {**values, "position": part.position}):
            await connection.rollback()
            return True
        if part.is_last:
            await connection.execute((self._statements.finish, [(self._name, part.kind)]))
        await connection.commit((self._statements.add, [(*row, part.kind, self._name) for row in part.ranges]))
        return True

    @cached_property
    def _statements(self) -> "_Statements":
        # Hardly any gateway needs them.
        return _Statements(self._store.database.engine.dialect)


class _Statements:
    """Each attribute but the last names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        columns = ("program_id", "first_id", "last_id", "events", "kind", "consumer")
        self.add = compiled(dialect, insert(OutboxRange).inline(), columns)
        finish: Template = delete(_history).where(
            _history.consumer == bindparam("name"), _history.kind == bindparam("kind")
        )
        self.finish = compiled(dialect, finish, ("name", "kind"))
        self.find_revision = find_revision(dialect)
