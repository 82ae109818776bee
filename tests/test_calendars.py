"""Buckets by the clocks of time zones: days of 23 and 25 hours, midnights that do not exist, a day that never was."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from graph.errors import FieldInvalid
from graph.reports.calendars import Interval, edges, zone_of
from graph.reports.ranges import time_ranges

DAYS = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham")


def local(start: datetime, end: datetime, zone: str, interval: Interval) -> list[str]:
    """Return the buckets' edges as the zone's clocks show them."""
    return [at.astimezone(ZoneInfo(zone)).isoformat() for at in edges(start, end, ZoneInfo(zone), interval)]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", [1] * 23),
        ("Europe/Berlin", "2026-10-25", [1] * 25),
        ("America/New_York", "2026-03-08", [1] * 23),
        ("America/New_York", "2026-11-01", [1] * 25),
        ("Asia/Kolkata", "2026-03-29", [1] * 24),
        ("Asia/Kathmandu", "2026-03-29", [1] * 24),
        # The clock goes from 2:00 to 1:30: one o'clock lasts an hour and a half.
        ("Australia/Lord_Howe", "2026-04-05", [1, 1.5, *[1] * 22]),
        # And from 2:00 to 2:30.
        ("Australia/Lord_Howe", "2026-10-04", [1, 1, 0.5, *[1] * 21]),
        # Midnight does not exist: the day begins at one o'clock.
        ("Africa/Cairo", "2026-04-24", [1] * 23),
        # Midnight comes twice; the day begins with the first.
        ("America/Havana", "2026-11-01", [1] * 25),
        ("America/Havana", "2026-03-08", [1] * 23),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_show(zone: str, day: str, hours: list[float]) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    around = edges(noon - timedelta(days=2), noon + timedelta(days=2), ZoneInfo(zone), Interval.DAY)
    start, end = next(pair for pair in pairwise(around) if pair[0] <= noon < pair[1])
    found = edges(start, end, ZoneInfo(zone), Interval.HOUR)
    assert [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(found)] == hours


def test_a_day_that_a_zone_left_out_is_no_bucket() -> None:
    start, end = datetime(2011, 12, 29, 10, tzinfo=UTC), datetime(2011, 12, 31, 10, tzinfo=UTC)
    assert local(start, end, "Pacific/Apia", Interval.DAY) == [
        "2011-12-29T00:00:00-10:00",
        "2011-12-31T00:00:00+14:00",
        "2012-01-01T00:00:00+14:00",
    ]


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    start, end = datetime(2026, 2, 26, 15, 30, tzinfo=UTC), datetime(2026, 3, 3, 8, tzinfo=UTC)
    ends = ("2026-02-26T21:00:00+05:30", "2026-03-03T13:30:00+05:30")
    assert local(start, end, "Asia/Kolkata", Interval.WEEK) == [ends[0], "2026-03-02T00:00:00+05:30", ends[1]]
    assert local(start, end, "Asia/Kolkata", Interval.MONTH) == [ends[0], "2026-03-01T00:00:00+05:30", ends[1]]


@pytest.mark.parametrize("zone", DAYS)
def test_whole_days_of_a_zone_are_made_of_rollups_only(zone: str) -> None:
    """Whatever the offset, a quarter of an hour is the smallest that it is made of."""
    start, end = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)), datetime(2027, 1, 1, tzinfo=ZoneInfo(zone))
    days = edges(start, end, ZoneInfo(zone), Interval.DAY)
    ranges = time_ranges(days, (86_400, 3600, 900))
    assert {each.span_seconds for each in ranges} <= {86_400, 3600, 900}
    assert len(ranges) <= 5 * (len(days) - 1)
    covered = sorted((each.start_at, each.end_at) for each in ranges)
    assert covered[0][0] == start
    assert covered[-1][1] == end
    assert all(earlier[1] == later[0] for earlier, later in pairwise(covered))


@pytest.mark.parametrize(
    "name", ["", "Europe", "../zone", "/etc/localtime", "Mars/Phobos", "x" * 5000, "a\0b", "\ud800"]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(FieldInvalid, match="timezone"):
        zone_of(name)
