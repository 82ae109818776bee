"""Which stored clicks lack their derived fields, for those who read the fields.

The fields of some clicks and the note that they have them are one transaction, so both functions are exact in any
snapshot: in one that also reads clicks, a click either has its fields or is unfilled.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, select

from db.engine.backend.protocol import Source
from db.engine.store import Store
from db.schema.backfills import ClickBackfill
from db.sql.compiled_queries import CompiledQuery

UNFILLED = CompiledQuery(
    select(
        ClickBackfill.program_id, ClickBackfill.filled_to, ClickBackfill.last_id, ClickBackfill.clicks_left
    ).order_by(ClickBackfill.program_id)
)


@dataclass(frozen=True, slots=True)
class UnfilledClicks:
    """Clicks of a program that lack their derived fields: all with an id above `filled_to`, up to `last_id`."""

    program_id: int
    filled_to: int
    last_id: int
    clicks_left: int
    """About how many there are."""

    def contains(self, id: int) -> bool:
        """Return whether a click of the program, given by its id, is one of them."""
        return self.filled_to < id <= self.last_id


def is_unfilled(event: Any) -> ColumnElement[bool]:
    """Return the condition that a click lacks its derived fields, given `ClickEvent` or an alias of it. False for every
    click that was recorded with them, and for all once the backfill is complete."""
    return exists().where(
        ClickBackfill.program_id == event.program_id,
        ClickBackfill.filled_to < event.id,
        ClickBackfill.last_id >= event.id,
    )


async def unfilled_clicks(source: Source) -> dict[int, UnfilledClicks]:
    """Return the clicks that lack their derived fields, by program. A program that is not among them is complete; an
    empty answer, the usual one, means that all are."""
    found = (UnfilledClicks(*row) for row in await source.fetch(UNFILLED, {}))
    return {clicks.program_id: clicks for clicks in found}


async def clicks_left(store: Store) -> int:
    """Return about how many clicks lack their derived fields. Raises `DatabaseUnavailable`."""
    with store.outages():
        return sum(clicks.clicks_left for clicks in (await unfilled_clicks(store.database)).values())
