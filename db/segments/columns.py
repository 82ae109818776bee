"""The columns of segments: what reports by dimension know of a click, and of a booking with its click."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Integer, cast

from db.rollups.sources import CLICKS, CONVERSIONS, RollupSource
from db.rollups.sums import BOOKED, makes_customer
from db.schema.clicks import value_of
from db.schema.url_parts import without_query
from db.schema.visit_fields import VISIT_FIELDS, ReportDimension, VisitField
from db.sql.functions import microseconds_of

# Longer URLs differ in what nobody reads.
URL_LENGTH = 512

ColumnType: TypeAlias = Literal["number", "flag", "text"]
"""An integer, 0 or 1, or a text, which is null or empty where it is not known."""


class Column(NamedTuple):
    """A column of a segment, and the SQL for its value, given an event and the click that it is reported by."""

    name: str
    type: ColumnType
    of: Callable[[Any, Any], ColumnElement[Any]]
    shorten: Callable[[str], str] | None = None
    """Keeps what reports know of a text: in Python, as it takes SQLite longer than reading four more columns."""


def _number(name: str) -> Column:
    return Column(name, "number", lambda event, click: getattr(event, name))


def _value(field: VisitField, dimension: ReportDimension) -> Column:
    shorten = _page if dimension.is_url else None
    return Column(dimension.name, "text", lambda event, click: value_of(click, field), shorten)


def _page(url: str) -> str:
    return without_query(url)[:URL_LENGTH]


PROGRAM = _number("program_id")
"""Not stored: a segment has one program."""
TIME = Column("occurred_at", "number", lambda event, click: microseconds_of(event.occurred_at))
"""In microseconds since 1970."""
SUBJECTS = (_number("partner_id"), _number("link_id"))
IS_BOT = Column("is_bot", "flag", lambda event, click: cast(click.is_bot, Integer))
MAKES_CUSTOMER = Column("makes_customer", "flag", lambda event, click: cast(makes_customer(event), Integer))
CURRENCY = Column("currency", "text", lambda event, click: event.currency)
DIMENSIONS = tuple(_value(field, field.dimension) for field in VISIT_FIELDS if field.dimension)


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
