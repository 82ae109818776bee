"""Buckets in local time: days of 23 and 25 hours, midnights that do not exist, and a skipped day."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from db.rollups.buckets import EVENTS
from graph.domain.errors import FieldInvalid
from graph.reports.bucket_pieces import pieces
from graph.reports.calendars import Interval, edges, zone_of

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
def test_a_day_has_the_hours_of_its_local_clock(zone: str, day: str, hours: list[float]) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=ZoneInfo(zone))
    around = edges(noon - timedelta(days=2), noon + timedelta(days=2), ZoneInfo(zone), Interval.DAY)
    start, end = next(pair for pair in pairwise(around) if pair[0] <= noon < pair[1])
    found = edges(start, end, ZoneInfo(zone), Interval.HOUR)
    assert [(later - earlier) / timedelta(hours=1) for earlier, later in pairwise(found)] == hours


def test_a_skipped_day_has_no_bucket() -> None:
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


SPANS = (86_400, 3600, 900)


@pytest.mark.parametrize("interval", Interval)
@pytest.mark.parametrize("zone", DAYS)
def test_each_quarter_of_an_hour_counts_once_in_its_own_bucket(zone: str, interval: Interval) -> None:
    """Whatever the offset, a quarter of an hour is the smallest that whole buckets are made of."""
    start, end = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)), datetime(2027, 1, 1, tzinfo=ZoneInfo(zone))
    ends = edges(start, end, ZoneInfo(zone), interval)
    made_of = pieces(ends, SPANS)
    counted: Counter[tuple[int, int]] = Counter()
    for bucket, span, first, last in made_of.whole:
        assert span in SPANS
        counted.update((at, bucket or 0) for at in quarters(first, last))
    for (weight, span), bucket, first in made_of.moved:
        for at in quarters(first, first + timedelta(seconds=span)):
            counted[at, bucket] += weight
    expected = {(at, bucket): 1 for bucket, pair in enumerate(pairwise(ends)) for at in quarters(*pair)}
    assert {key: count for key, count in counted.items() if count} == expected


@pytest.mark.parametrize(("zone", "looked_up"), [("UTC", 0), ("Europe/Berlin", 4), ("Asia/Kolkata", 0)])
def test_days_that_begin_near_utc_midnight_move_a_few_hours(zone: str, looked_up: int) -> None:
    start, end = datetime(2026, 7, 1, tzinfo=ZoneInfo(zone)), datetime(2026, 7, 31, tzinfo=ZoneInfo(zone))
    made_of = pieces(edges(start, end, ZoneInfo(zone), Interval.DAY), SPANS)
    assert len(made_of.moved) == 30 * looked_up
    assert len(made_of.whole) <= 30 * 3


@pytest.mark.parametrize(
    ("zone", "moved"), [("Europe/Berlin", True), ("America/New_York", False), ("Asia/Kolkata", False)]
)
def test_a_cut_off_day_is_made_of_what_the_others_are_made_of(zone: str, moved: bool) -> None:
    """PostgreSQL reads the hours of several days at once, unless any are moved."""
    start, end = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 9, 29, tzinfo=UTC)
    made_of = pieces(edges(start, end, ZoneInfo(zone), Interval.DAY), SPANS)
    assert bool(made_of.moved) == moved


def test_odd_minutes_at_the_ends_are_counted_from_events() -> None:
    start, end = datetime(2026, 7, 1, 21, 59, 59, tzinfo=UTC), datetime(2026, 7, 3, 22, 0, 1, tzinfo=UTC)
    made_of = pieces(edges(start, end, ZoneInfo("Europe/Berlin"), Interval.DAY), SPANS)
    left_over = [(first, last) for _, span, first, last in made_of.shortest if span == EVENTS]
    assert left_over == [(start, start + timedelta(seconds=1)), (end - timedelta(seconds=1), end)]
    assert all(each.span_seconds in SPANS for each in made_of.whole)


def quarters(start: datetime, end: datetime) -> range:
    """Return the seconds of UTC at which the quarters of an hour between two moments begin."""
    return range(int(start.timestamp()), int(end.timestamp()), 900)


def test_every_zone_of_the_iana_database_is_known_in_any_case() -> None:
    names = files("tzdata").joinpath("zones").read_text().split()
    assert {"UTC", "Europe/Berlin", "Asia/Calcutta", "US/Eastern", "Etc/GMT+5"} < set(names)
    for name in names:
        assert {zone_of(each).key for each in (name, name.lower(), name.upper())} == {name}


NO_ZONES = ["", "Europe", "../zone", "/etc/localtime", "Mars/Phobos", "x" * 5000, "a\0b", "\ud800", "+01:00", "CEST"]
# Files that lie in the folders of time zones.
NO_ZONES += ["localtime", "posixrules", "tzdata.zi", "posix/UTC", "right/UTC", "posix/Europe/Berlin", "zone.tab"]
NO_ZONES += ["leapseconds", "zones", "__init__.py", "Europe/", "Europe/__init__.py", "./UTC", "UTC/", " UTC"]


@pytest.mark.parametrize("name", NO_ZONES)
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(FieldInvalid, match="timezone"):
        zone_of(name)
