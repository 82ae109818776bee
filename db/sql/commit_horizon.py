"""The horizon up to which clicks are shown to clients that follow them in ascending order.

A click received earlier may be committed later, by this process or by another gateway. A client that had paged past its
position would never see it, so rows become visible only once none can be committed before them any more.
"""

from typing import Any, Literal, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, select

from db.schema.columns import UtcDateTime
from db.schema.id_blocks import IdBlock
from db.schema.writers import RunningWriter

Horizon: TypeAlias = Literal["moment", "event id"]
# Parameters of the condition on SQLite, where the only writing process has its watermark in memory.
HORIZON_MOMENT, HORIZON_ID = "horizon_moment", "horizon_id"
LARGEST_ID = 2**63 - 1


def before_horizon(column: ColumnElement[Any], horizon: Horizon, *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return the condition that no row with the same or a lower value in a column can still be committed. On PostgreSQL
    it holds as of the statement's snapshot; on SQLite it takes the values that `Writer.horizon` returned
    before."""
    if is_sqlite:
        name, type_ = (HORIZON_MOMENT, UtcDateTime()) if horizon == "moment" else (HORIZON_ID, BigInteger())
        return column < bindparam(name, type_=type_)
    is_running = RunningWriter.id > 0
    if horizon == "moment":
        # Without a running writer, the latest watermark of removed ones still holds, and a new writer starts from it.
        watermark = func.coalesce(
            func.min(RunningWriter.occurred_from).filter(is_running), func.max(RunningWriter.occurred_from)
        )
    else:
        next_id = select(IdBlock.next_id).where(IdBlock.name == "click_events").scalar_subquery()
        watermark = func.coalesce(func.min(RunningWriter.first_event_id).filter(is_running), next_id)
    return column < select(watermark).scalar_subquery()
