"""Conditions on rows of the log, for statements that join it with events or ask what a consumer has yet to process."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, String, and_, exists, literal_column, or_, select
from sqlalchemy.orm import aliased

from db.schema.outbox import OutboxConsumer, OutboxGap, OutboxRange

CLICK = "click"
"""The kind of recorded clicks."""
LEAD, SALE, REFUND = "lead", "sale", "refund"
"""The kinds of conversions. A provisional lead is not in the log until it is confirmed."""
REJECTION = "rejection"
"""The kind of rejected commissions."""


def covers(event: Any) -> ColumnElement[bool]:
    """Return whether a row of the log covers an event of the row's kind."""
    return and_(OutboxRange.program_id == event.program_id, event.id.between(OutboxRange.first_id, OutboxRange.last_id))


def is_ahead_of(consumer: str) -> ColumnElement[bool]:
    """Return whether a consumer has yet to pass a row of the log, be it for this consumer or not. Without the
    consumer's row, no row of the log is ahead of it."""
    name = _text(consumer)
    row, gap = aliased(OutboxConsumer), aliased(OutboxGap)
    complete_to = select(row.complete_to).where(row.name == name).scalar_subquery()
    position = select(row.position).where(row.name == name).scalar_subquery()
    in_gap = exists().where(gap.consumer == name, OutboxRange.id.between(gap.first_id, gap.last_id))
    # The first comparison finds the rows through an index; the others are made for each of them.
    return and_(OutboxRange.id > complete_to, or_(OutboxRange.id > position, in_gap))


def waits_for(consumer: str, kinds: Iterable[str]) -> ColumnElement[bool]:
    """Return whether a row of the log has events that a consumer of some kinds has yet to process."""
    names = [_text(kind) for kind in sorted(kinds)]
    is_addressed = or_(OutboxRange.consumer.is_(None), OutboxRange.consumer == _text(consumer))
    return and_(is_ahead_of(consumer), OutboxRange.kind.in_(names), is_addressed)


def _text(value: str) -> ColumnElement[str]:
    """Return a text as a part of the statement, which a planner knows more of than of a parameter."""
    quoted = value.replace("'", "''")
    return literal_column(f"'{quoted}'", String)
