"""Which sums are kept of events: facts that the aggregator and the reports share."""

from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import ColumnElement, and_, func, not_

from db.sql.functions import QUARTER_SECONDS

DAY, HOUR, QUARTER = 86_400, 3_600, QUARTER_SECONDS

COUNTERS = ("people", "bots", "customers", "bot_customers")
BOOKED = ("leads", "sales", "revenue", "earnings")
"""What the bookings of conversions add up to."""

Level: TypeAlias = Literal["program", "partner", "link"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""Whose events are added up."""
SPANS = (DAY, HOUR, QUARTER)
"""The spans of time, longest first, for which sums are kept. A time zone's offset may be of :30 or :45."""


def makes_customer(event: Any) -> ColumnElement[bool]:
    """Return whether a click made its customer: one that returns has the `click_id` that it came with."""
    made: ColumnElement[bool] = event.existing_click_id.is_distinct_from(event.click_id)
    return made


def counts_of(event: Any) -> list[ColumnElement[int]]:
    """Return how many of the selected events each of `COUNTERS` counts, by its name."""
    is_bot, made = event.is_bot, makes_customer(event)
    conditions = (not_(is_bot), is_bot, and_(made, not_(is_bot)), and_(made, is_bot))
    return [func.count().filter(condition).label(name) for name, condition in zip(COUNTERS, conditions, strict=True)]
