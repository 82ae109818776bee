"""The edges of report buckets in a time zone: hours, days, weeks and months in local time.

A day may have 23 or 25 hours, an hour 30 or 90 minutes, midnight may not exist, and a zone may skip a whole day.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from graph.domain.errors import FieldInvalid

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Interval(StrEnum):
    """The length of a bucket in local time. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def zone_of(name: str, field: str = "timezone") -> ZoneInfo:
    """Return a time zone by its IANA name, in any case. Raises `FieldInvalid` for the field, also for names of the
    machine's own files such as `localtime` or `posix/UTC`, which differ from machine to machine."""
    known = _zones().get(name.lower())
    if known is None:
        raise FieldInvalid(field, "must be an IANA time zone such as Europe/Berlin")
    return ZoneInfo(known)


@cache
def _zones() -> Mapping[str, str]:
    """Return the names of all zones and links of the IANA database, by their lower case."""
    # `zoneinfo.available_timezones` also returns other files in the machine's folders.
    names = files("tzdata").joinpath("zones").read_text().split()
    return {name.lower(): name for name in names}


def edges(start: datetime, end: datetime, zone: ZoneInfo, interval: Interval) -> Sequence[datetime]:
    """Return, in UTC and ascending, where the buckets between two times begin and where the last one ends. The first
    and the last bucket may be shorter than the interval."""
    # An extra day on each side covers every clock change.
    first, last = start.astimezone(zone).date() - DAY, end.astimezone(zone).date() + DAY
    if interval is Interval.HOUR:
        inner = _hours(first, last, zone)
    else:
        inner = (_instant(day, zone) for day in _days(first, last) if _begins(interval, day.date()))
    return sorted({start.astimezone(UTC), end.astimezone(UTC), *(at for at in inner if start < at < end)})


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a time in local time with a fixed offset. Looking the offset up again while encoding takes longer than
    encoding."""
    local = moment.astimezone(zone)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta(0)))


def _days(first: date, last: date) -> Iterator[datetime]:
    for number in range((last - first).days + 1):
        yield datetime(first.year, first.month, first.day) + number * DAY


def _hours(first: date, last: date, zone: ZoneInfo) -> Iterator[datetime]:
    for day in _days(first, last):
        for hour in range(24):
            wall = day + hour * HOUR
            early, late = _instant(wall, zone), _instant(wall.replace(fold=1), zone)
            yield early
            if early < late:  # the hour occurs twice; if it is skipped, the order is reversed
                yield late


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when local clocks first show a wall time, or when they skip it."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _begins(interval: Interval, day: date) -> bool:
    match interval:
        case Interval.WEEK:
            return day.weekday() == 0
        case Interval.MONTH:
            return day.day == 1
    return True
