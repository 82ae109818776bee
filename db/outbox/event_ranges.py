"""The events of the database as ranges for the log, for consumers that begin with the first one.

A range holds no id that is missing in all programs: a transaction that has not ended yet may have taken it, and will
add its event to the log by itself. Sorting all events takes long; so they are counted by blocks of ids, and only those
in blocks that lack an id are sorted.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    cast,
    exists,
    func,
    inspect,
    literal_column,
    not_,
    select,
    true,
    union_all,
)

from db.outbox.conditions import is_ahead_of
from db.outbox.events import EVENTS
from db.schema.outbox import OutboxRange
from db.schema.programs import Program
from db.sql.top_n_per_group import InOrder

# As many events as a busy gateway records in two transactions.
RANGE_EVENTS = 1000
SIZE = literal_column(str(RANGE_EVENTS), BigInteger)
_after: BindParameter[int] = bindparam("after", type_=BigInteger)
_to: BindParameter[int] = bindparam("to", type_=BigInteger)


class _Events(NamedTuple):
    """Where to read events from, and which of them."""

    source: Any
    row: Any
    where: Sequence[ColumnElement[bool]]


def all_ranges(kind: str) -> Select[Any]:
    """Select ranges of all events of a kind, in the order of their ids: the program, first and last id, and events."""
    table, is_event = EVENTS[kind]
    return _ranges(_Events(table, table, [is_event]), None)


def ranges_of_part(kind: str, consumer: str, *, is_sqlite: bool) -> Select[Any]:
    """Select ranges of the events of a kind with ids beyond `after` and up to `to`; none of those that rows of the log
    ahead of the consumer cover, which are handed to it by these rows. `after` is the last id of a block, or 0."""
    table, is_event = EVENTS[kind]
    inside = and_(table.program_id == Program.id, table.id > _after, table.id <= _to, is_event)
    if is_sqlite:
        events = _Events(InOrder(inspect(Program).selectable, inspect(table).selectable, inside), table, [])
    else:
        # Without the offset, the planner might read all events to find those of the part.
        found = select(table.program_id, table.id).where(inside).offset(literal_column("0")).correlate(Program)
        event = found.lateral("event")
        events = _Events(inspect(Program).selectable.join(event, true()), event.c, [])
    row = OutboxRange
    ahead = select(row.program_id, row.first_id, row.last_id).where(
        is_ahead_of(consumer),
        row.consumer.is_(None),
        row.kind == literal_column(f"'{kind}'"),
        row.first_id <= _to,
        row.last_id > _after,
    )
    return _ranges(events, ahead.cte("ahead"))


def _ranges(events: _Events, ahead: CTE | None) -> Select[Any]:
    """Select ranges of events, without those that rows ahead cover."""
    source, event, where = events
    block = event.id // SIZE
    counts = (func.count().label("events"), func.min(event.id).label("first_id"), func.max(event.id).label("last_id"))
    in_blocks = select(event.program_id, block.label("block"), *counts).select_from(source).where(*where)
    blocks = in_blocks.group_by(event.program_id, block).cte("blocks").c
    is_whole = [func.sum(blocks.events) == SIZE, *_apart_from(ahead, blocks.block * SIZE)]
    whole = select(blocks.block, _run(blocks.block)).group_by(blocks.block).having(*is_whole).cte("whole")
    in_whole = select(blocks.program_id, blocks.events, blocks.first_id, blocks.last_id, whole.c.run)
    one = (literal_column("1", BigInteger).label("events"), event.id.label("first_id"), event.id.label("last_id"))
    in_others = select(event.program_id, *one, _run(event.id)).select_from(source).where(*where)
    in_others = in_others.where(block.not_in(select(whole.c.block)))
    if ahead is not None:
        covers = (ahead.c.program_id == event.program_id, event.id.between(ahead.c.first_id, ahead.c.last_id))
        in_others = in_others.where(not_(exists().where(*covers)))
    parts = (in_whole.join(whole, whole.c.block == blocks.block), in_others)
    ranges = union_all(*map(_joined, parts)).subquery()
    return select(*ranges.c).order_by(ranges.c.first_id)


def _apart_from(ahead: CTE | None, start: Any) -> Sequence[ColumnElement[bool]]:
    """Return the condition that no row ahead has any id of the block that begins at `start`."""
    return [] if ahead is None else [not_(exists().where(ahead.c.first_id < start + SIZE, ahead.c.last_id >= start))]


def _run(number: Any) -> ColumnElement[int]:
    """Return the same number for rows whose numbers follow each other, and another after each that is missing."""
    run: ColumnElement[int] = (number - func.row_number().over(order_by=number)).label("run")
    return run


def _joined(rows: Select[Any]) -> Select[Any]:
    """Return ranges of `RANGE_EVENTS`, or some more, of rows of consecutive events: (program, first and last id,
    events)."""
    row = rows.subquery().c
    so_far = func.sum(row.events).over(partition_by=[row.program_id, row.run], order_by=row.first_id)
    portion = (cast(so_far, BigInteger) - row.events) // SIZE
    part = select(*row, portion.label("portion")).subquery().c
    ends = (func.min(part.first_id).label("first_id"), func.max(part.last_id).label("last_id"))
    events = cast(func.sum(part.events), BigInteger).label("events")
    return select(part.program_id, *ends, events).group_by(part.program_id, part.run, part.portion)
