"""What reports can count clicks by, and which sums are kept of them: facts that the folder and the reports share."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, and_, cast, func, literal, not_

from db.schema.columns import text
from db.schema.visit_fields import VISIT_FIELDS, ReportDimension
from db.sql.functions import QUARTER_SECONDS, without_query

DAY, HOUR, QUARTER = 86_400, 3_600, QUARTER_SECONDS

VALUE = text(512)

COUNTERS = ("people", "bots", "customers", "bot_customers")
BOOKED = ("leads", "sales", "revenue", "earnings")
"""What the bookings of conversions add up to."""

Level: TypeAlias = Literal["program", "partner", "link"]
Dimension: TypeAlias = str
"""Either "total", "link" or "partner", or one of `VISIT_DIMENSIONS`."""
VISIT_DIMENSIONS: tuple[Dimension, ...] = tuple(field.dimension.name for field in VISIT_FIELDS if field.dimension)

SPANS: Mapping[Level, Mapping[Dimension, tuple[int, ...]]] = MappingProxyType(
    {
        # A program's dashboard looks at single hours; a time zone's offset may be of :30 or :45.
        "program": {
            "total": (DAY, HOUR, QUARTER),
            "link": (DAY, HOUR),
            "partner": (DAY, HOUR),
            **dict.fromkeys(VISIT_DIMENSIONS, (DAY, HOUR)),
        },
        # A partner's or a link's broken days are few events; keeping their hours would cost every click more.
        "partner": {"total": (DAY, HOUR, QUARTER), "link": (DAY,), **dict.fromkeys(VISIT_DIMENSIONS, (DAY,))},
        "link": {"total": (DAY, HOUR, QUARTER), **dict.fromkeys(VISIT_DIMENSIONS, (DAY,))},
    }
)
"""The spans of time, longest first, for which sums are kept, by what they are sums of."""


def _counted(column: str, dimension: ReportDimension) -> Callable[[Any], ColumnElement[Any]]:
    if dimension.is_url:
        return lambda event: func.substr(without_query(getattr(event, column)), 1, VALUE.length)
    return attrgetter(column)


VALUES: Mapping[Dimension, Callable[[Any], ColumnElement[Any]]] = MappingProxyType(
    {
        "total": lambda event: literal(""),
        "link": lambda event: event.link_id,
        "partner": lambda event: event.partner_id,
        **{field.dimension.name: _counted(field.name, field.dimension) for field in VISIT_FIELDS if field.dimension},
    }
)


def value_of(event: Any, dimension: Dimension) -> ColumnElement[str]:
    """Return an event's value in a dimension, as rollups keep it: a text, empty where it is not known."""
    return func.coalesce(as_value(VALUES[dimension](event)), "")


def as_value(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a text or an id in the form of a rollup's value."""
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
