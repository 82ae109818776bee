"""The offsets of a time zone from UTC within a period, from which the hours and the days of clicks are computed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from db.schema.columns import EPOCH, MICROSECOND
from db.segments.questions import Offset

# No zone keeps an offset for less than this; changes of clocks are found between two such steps.
OFFSET_STEP = timedelta(days=1)
# Each breakdown of a report, and each page of a list, needs the same.
KEPT_OFFSETS = 32


@lru_cache(KEPT_OFFSETS)
def zone_offsets(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[Offset, ...]:
    """Return a zone's offsets within a period in UTC, each with the moment from which it applies."""
    return tuple(_changes(start, end, zone))


def microseconds(moment: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (moment - EPOCH) // MICROSECOND


def _changes(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Offset]:
    offset = _offset(start, zone)
    yield Offset(microseconds(start), offset)
    while start < end:
        following = min(start + OFFSET_STEP, end)
        if (later := _offset(following, zone)) != offset:
            low, high = start, following
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
            yield Offset(microseconds(high.replace(microsecond=0)), later)
            offset = later
        start = following


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    return (moment.astimezone(zone).utcoffset() or timedelta(0)) // MICROSECOND
