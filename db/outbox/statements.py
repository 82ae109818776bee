"""The statements that read the log and move a consumer's position.

Apart from the runner, so that the order of things can be read there without their SQL.
"""

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Dialect,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from db.outbox.conditions import is_ahead_of
from db.schema.columns import UtcDateTime
from db.schema.outbox import OutboxConsumer, OutboxGap, OutboxHistory, OutboxRange
from db.sql.batch_statements import Template, compiled
from db.sql.compiled_queries import CompiledQuery

_name: BindParameter[str] = bindparam("name")
# Of several gateways, one works for a consumer: the others find its row locked, and take it for missing.
FIND_POSITION = CompiledQuery(
    select(OutboxConsumer.position).where(OutboxConsumer.name == _name).with_for_update(skip_locked=True)
)
FIND_GAPS = CompiledQuery(
    select(OutboxGap.first_id, OutboxGap.last_id, OutboxGap.horizon)
    .where(OutboxGap.consumer == _name)
    .order_by(OutboxGap.first_id)
)
RANGE = (
    OutboxRange.id,
    OutboxRange.kind,
    OutboxRange.program_id,
    OutboxRange.first_id,
    OutboxRange.last_id,
    OutboxRange.events,
)
_columns = (*RANGE, func.coalesce(OutboxRange.consumer, ""))
_rows: BindParameter[int] = bindparam("rows")
FIND_IN_GAPS = CompiledQuery(
    select(*_columns)
    .join_from(OutboxGap, OutboxRange, OutboxRange.id.between(OutboxGap.first_id, OutboxGap.last_id))
    .where(OutboxGap.consumer == _name)
    .order_by(OutboxRange.id)
    .limit(_rows),
)
FIND_BEYOND = CompiledQuery(
    select(*_columns).where(OutboxRange.id > bindparam("position")).order_by(OutboxRange.id).limit(_rows)
)
# Finds nothing where the consumer was moved, rewound or removed meanwhile.
MOVE = CompiledQuery(
    update(OutboxConsumer)
    .where(
        OutboxConsumer.name == _name,
        OutboxConsumer.position == bindparam("before"),
        not_(exists().where(OutboxHistory.consumer == OutboxConsumer.name)),
    )
    .values(
        position=bindparam("reached"),
        complete_to=bindparam("all_to"),
        updated_at=bindparam("at", type_=UtcDateTime),
    )
    .returning(OutboxConsumer.name)
)
# Rows from the first one on may go as far as every consumer has processed them, those that are old enough.
FIND_PROCESSED = CompiledQuery(
    select(
        select(func.coalesce(func.min(OutboxRange.id), 0)).scalar_subquery(),
        select(func.coalesce(func.min(OutboxConsumer.complete_to), 0)).scalar_subquery(),
    )
)


def find_due(consumer: str) -> CompiledQuery:
    """Return the query for whether there is anything to do: rows ahead of a consumer, a history to list, or rows to
    delete."""
    first = aliased(OutboxRange)
    oldest = select(first.id, first.recorded_at).order_by(first.id).limit(1).subquery()
    complete_to = select(func.min(OutboxConsumer.complete_to)).scalar_subquery()
    is_stale = and_(oldest.c.id <= complete_to, oldest.c.recorded_at < bindparam("stale_at", type_=UtcDateTime))
    is_behind = select(OutboxRange.id).where(is_ahead_of(consumer)).exists()
    is_to_do = or_(is_behind, _has_history(consumer), select(oldest.c.id).where(is_stale).exists())
    return CompiledQuery(select(1).where(is_to_do))


def find_lot(consumer: str, events: int) -> CompiledQuery:
    """Return the query for whether so many events wait for a consumer, or one since `waiting_since`, or its history."""
    ahead = select(OutboxRange.events, OutboxRange.recorded_at).where(is_ahead_of(consumer)).limit(events).subquery()
    is_old = func.min(ahead.c.recorded_at) <= bindparam("waiting_since", type_=UtcDateTime)
    is_much = func.sum(ahead.c.events) >= events
    # SQLite takes HAVING without GROUP BY only if an aggregate is selected, too.
    return CompiledQuery(select(func.count()).select_from(ahead).having(or_(is_much, is_old, _has_history(consumer))))


def _has_history(consumer: str) -> ColumnElement[bool]:
    return exists().where(OutboxHistory.consumer == consumer)


class LogStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        remove_gaps: Template = delete(OutboxGap).where(OutboxGap.consumer == bindparam("name"))
        self.remove_gaps = compiled(dialect, remove_gaps, ("name",))
        self.add_gap = compiled(dialect, insert(OutboxGap).inline(), ("consumer", "first_id", "last_id", "horizon"))
        trim: Template = delete(OutboxRange).where(
            OutboxRange.id <= bindparam("row"), OutboxRange.recorded_at < bindparam("stale_at", type_=UtcDateTime)
        )
        self.trim = compiled(dialect, trim, ("row", "stale_at"))
