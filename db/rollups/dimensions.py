"""Which sums are kept of clicks: facts that the aggregator and the reports share."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, and_, cast, func, literal, not_

from db.schema.columns import text
from db.sql.functions import QUARTER_SECONDS

DAY, HOUR, QUARTER = 86_400, 3_600, QUARTER_SECONDS

VALUE = text(512)

COUNTERS = ("people", "bots", "customers", "bot_customers")
BOOKED = ("leads", "sales", "revenue", "earnings")
"""What the bookings of conversions add up to."""

Level: TypeAlias = Literal["program", "partner", "link"]
Dimension: TypeAlias = Literal["total", "link", "partner"]

SPANS: Mapping[Level, Mapping[Dimension, tuple[int, ...]]] = MappingProxyType(
    {
        # A program's dashboard looks at single hours; a time zone's offset may be of :30 or :45.
        "program": {"total": (DAY, HOUR, QUARTER), "link": (DAY, HOUR), "partner": (DAY, HOUR)},
        # A partner's broken days are few events; keeping their hours would cost every click more.
        "partner": {"total": (DAY, HOUR, QUARTER), "link": (DAY,)},
        "link": {"total": (DAY, HOUR, QUARTER)},
    }
)
"""The spans of time, longest first, for which sums are kept, by what they are sums of."""


VALUES: Mapping[Dimension, Callable[[Any], ColumnElement[Any]]] = MappingProxyType(
    {
        "total": lambda event: literal(""),
        "link": lambda event: event.link_id,
        "partner": lambda event: event.partner_id,
    }
)


def value_of(event: Any, dimension: Dimension) -> ColumnElement[str]:
    """Return an event's value in a dimension, as rollups keep it."""
    return as_value(VALUES[dimension](event))


def as_value(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return an id in the form of a rollup's value."""
    return cast(column, VALUE)


def makes_customer(event: Any) -> ColumnElement[bool]:
    """Return whether a click made its customer: one that returns has the `click_id` that it came with."""
    made: ColumnElement[bool] = event.existing_click_id.is_distinct_from(event.click_id)
    return made


def counts_of(event: Any) -> list[ColumnElement[int]]:
    """Return how many of the selected events each of `COUNTERS` counts, by its name."""
    is_bot, made = event.is_bot, makes_customer(event)
    conditions = (not_(is_bot), is_bot, and_(made, not_(is_bot)), and_(made, is_bot))
    return [func.count().filter(condition).label(name) for name, condition in zip(COUNTERS, conditions, strict=True)]
