"""How far those who follow a list in ascending order are shown it: up to where nothing can be committed any more.

A click that was received earlier may be committed later, by the same process or by another gateway. Whoever has paged
past its place by then would never see it.
"""

from typing import Any, Literal, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, select

from db.schema.columns import UtcDateTime
from db.schema.id_blocks import IdBlock
from db.schema.writers import RunningWriter

Horizon: TypeAlias = Literal["moment", "event id"]
# What the conditions take on SQLite, where the one process that writes knows its own promises.
HORIZON_MOMENT, HORIZON_ID = "horizon_moment", "horizon_id"
LARGEST_ID = 2**63 - 1


def before_horizon(column: ColumnElement[Any], horizon: Horizon, *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return whether a row is to be shown to those who follow its list along a column: no row is committed any more
    whose value there is as small. On PostgreSQL, true as of the statement's snapshot; on SQLite, given the values that
    `ClickWriter.horizon` returned before it."""
    if is_sqlite:
        name, type_ = (HORIZON_MOMENT, UtcDateTime()) if horizon == "moment" else (HORIZON_ID, BigInteger())
        return column < bindparam(name, type_=type_)
    is_running = RunningWriter.id > 0
    if horizon == "moment":
        # Without any writer, everything that was promised before holds: a new one starts from there.
        promised = func.coalesce(
            func.min(RunningWriter.occurred_from).filter(is_running), func.max(RunningWriter.occurred_from)
        )
    else:
        next_id = select(IdBlock.next_id).where(IdBlock.name == "click_events").scalar_subquery()
        promised = func.coalesce(func.min(RunningWriter.first_event_id).filter(is_running), next_id)
    return column < select(promised).scalar_subquery()
