"""The statements that bring recorded events into the rollups, and what tells which events still wait for that.

Apart from the folder that runs them, so that there the order of things can be read without their SQL.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    and_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from db.rollups.aggregation import KEY
from db.rollups.dimensions import COUNTERS, VISIT_DIMENSIONS, makes_customer, value_of
from db.schema.clicks import ClickEvent
from db.schema.columns import UtcDateTime
from db.schema.rollups import ClickRollup, QueuedClicks
from db.sql.batch_statements import BatchStatement, Template, compiled
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Ids, among, quarter_number

WAITING = QueuedClicks.folded_at.is_(None)
STALE = QueuedClicks.folded_at < bindparam("stale_at", type_=UtcDateTime)


def queued(event: Any) -> ColumnElement[bool]:
    """Return whether a row of the queue is about an event."""
    return and_(
        QueuedClicks.program_id == event.program_id,
        event.id.between(QueuedClicks.first_id, QueuedClicks.last_id),
    )


# Something to do: events to fold, or rows that nobody watches any more.
find_due = select(QueuedClicks.id).where(or_(WAITING, STALE)).limit(1)

find_waiting = CompiledQuery(
    select(QueuedClicks.id, QueuedClicks.clicks).where(WAITING).order_by(QueuedClicks.id).limit(bindparam("rows")),
    packed=True,
)

_event = aliased(ClickEvent)
# In the form that `Cells.add` takes; those of some rows of the queue, each named: between two of them another may be
# committed meanwhile. Whether they still wait is asked when they are marked.
find_events = CompiledQuery(
    select(
        _event.program_id,
        _event.partner_id,
        _event.link_id,
        quarter_number(_event.occurred_at),
        cast(_event.is_bot, Integer),
        cast(makes_customer(_event), Integer),
        *(value_of(_event, dimension) for dimension in VISIT_DIMENSIONS),
    )
    .join_from(QueuedClicks, _event, queued(_event))
    .where(among(QueuedClicks.id, bindparam("rows", type_=Ids))),
    packed=True,
)

# Which of some rows of the queue still waited.
mark = CompiledQuery(
    update(QueuedClicks)
    .where(among(QueuedClicks.id, bindparam("rows", type_=Ids)), WAITING)
    .values(folded_at=bindparam("at", type_=UtcDateTime))
    .returning(QueuedClicks.id)
)


class FoldStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def statement(query: Template, *parameters: str) -> BatchStatement:
            return compiled(dialect, query, parameters)

        # PostgreSQL's; it is given back when the transaction ends.
        self.take_lock = statement(select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger))), "lock")
        insert = (sqlite.insert if dialect.name == "sqlite" else postgresql.insert)(ClickRollup).inline()
        table = ClickRollup.__table__
        added = {name: table.c[name] + insert.excluded[name] for name in COUNTERS}
        self.add = statement(insert.on_conflict_do_update(index_elements=KEY, set_=added), *KEY, *COUNTERS)
        self.forget = statement(delete(QueuedClicks).where(STALE), "stale_at")
