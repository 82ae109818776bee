"""The columns of segments: what reports by dimension know of a click, and of a booking with its click."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Integer, cast, func

from db.rollups.dimensions import BOOKED, VALUES, VISIT_DIMENSIONS, makes_customer
from db.rollups.sources import CLICKS, CONVERSIONS, RollupSource
from db.sql.functions import microseconds_of

ColumnType: TypeAlias = Literal["number", "flag", "text"]
"""An integer, 0 or 1, or a text that is null where it is not known."""


class Column(NamedTuple):
    """A column of a segment, and the SQL for its value, given an event and the click that it is reported by."""

    name: str
    type: ColumnType
    of: Callable[[Any, Any], ColumnElement[Any]]


def _number(name: str) -> Column:
    return Column(name, "number", lambda event, click: getattr(event, name))


def _value(dimension: str) -> Column:
    return Column(dimension, "text", lambda event, click: func.nullif(VALUES[dimension](click), ""))


PROGRAM = _number("program_id")
"""Not stored: a segment has one program."""
TIME = Column("occurred_at", "number", lambda event, click: microseconds_of(event.occurred_at))
"""In microseconds since 1970."""
SUBJECTS = (_number("partner_id"), _number("link_id"))
IS_BOT = Column("is_bot", "flag", lambda event, click: cast(click.is_bot, Integer))
MAKES_CUSTOMER = Column("makes_customer", "flag", lambda event, click: cast(makes_customer(event), Integer))
CURRENCY = Column("currency", "text", lambda event, click: event.currency)
DIMENSIONS = tuple(_value(name) for name in VISIT_DIMENSIONS)


class SegmentSource(NamedTuple):
    """Events of one sort: the kind of their segments, the consumer of the outbox that makes these, and their
    columns."""

    kind: str
    consumer: str
    events: RollupSource
    """Where they come from: the table, its kinds in the outbox, and how it is joined with clicks."""
    columns: tuple[Column, ...]


CLICK_SEGMENTS = SegmentSource(
    "click",
    "segments",
    CLICKS,
    (TIME, *SUBJECTS, _number("customer_id"), IS_BOT, MAKES_CUSTOMER, *DIMENSIONS),
)
BOOKING_SEGMENTS = SegmentSource(
    "booking",
    "conversion_segments",
    CONVERSIONS,
    (TIME, *SUBJECTS, IS_BOT, CURRENCY, *(_number(name) for name in BOOKED), *DIMENSIONS),
)
SEGMENT_SOURCES = (CLICK_SEGMENTS, BOOKING_SEGMENTS)
