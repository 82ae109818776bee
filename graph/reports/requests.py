"""What one asks of a click report, checked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from graph.domain.errors import FieldInvalid
from graph.reports.calendars import Interval
from graph.reports.filters import ReportDimension

FILTER_IDS = 100
TOP_SHARES = 100
# So many hours are more than half a year; who wants more wants days.
BUCKETS = 5000
LONGEST_YEARS = 20
# With its leap days, and a day on which clocks may have moved at either end.
LONGEST = timedelta(days=LONGEST_YEARS * 365 + 5 + 1)
# No click is older, and beyond these years time zones are guesses and dates have an end.
FIRST_YEAR, LAST_YEAR = 1971, 2999


class Top(NamedTuple):
    """A ranking of at most `limit` values."""

    by: ReportDimension
    limit: int = 10


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which clicks count; what is None leaves all in. Ids that do not exist, or are out of scope, have no clicks."""

    program_ids: tuple[int, ...] | None = None
    partner_ids: tuple[int, ...] | None = None
    link_ids: tuple[int, ...] | None = None
    is_bot: bool | None = None


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A span of time from `start` up to, and without, `end`; the time zone of the clocks that its buckets go by; and
    the parts wanted."""

    start: datetime
    end: datetime
    timezone: str = "UTC"
    filter: ReportFilter = field(default_factory=ReportFilter)
    totals: bool = True
    series: tuple[Interval, ...] = ()
    tops: tuple[Top, ...] = ()


class Counts(Struct, frozen=True, gc=False):
    """How many clicks there were, and how many customers they created."""

    people: int = 0
    bots: int = 0
    customers: int = 0

    @property
    def clicks(self) -> int:
        return self.people + self.bots


class Bucket(Struct, frozen=True, gc=False):
    """A bucket of a series, with the zone's offsets; the first and the last end where the report does."""

    start: datetime
    end: datetime
    counts: Counts


class Share(Struct, frozen=True, gc=False):
    """One value in a ranking: an id as text, or a name; None where it is not known."""

    value: str | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class ClickReport:
    """The parts that were wanted, all as of one moment: every click whose commit was answered by then is counted."""

    data_as_of: datetime
    totals: Counts | None
    series: Mapping[Interval, Sequence[Bucket]]
    tops: Mapping[Top, Sequence[Share]]


def check(request: ReportRequest) -> None:
    """Return if a request can be answered. Raises `FieldInvalid`."""
    check_span(request)
    check_filter(request.filter)
    for top in request.tops:
        check_top(top)
    for interval in request.series:
        check_series(request, interval)


def check_span(request: ReportRequest) -> None:
    """Return if a request's span is one; an empty one is. Raises `FieldInvalid`."""
    for name, moment in (("from", request.start), ("to", request.end)):
        if moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise FieldInvalid(name, f"must have an offset, and lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    span = _length(request)
    if span < timedelta(0):
        raise FieldInvalid("to", "must not be earlier than from")
    if span > LONGEST:
        raise FieldInvalid("to", f"must be at most {LONGEST_YEARS} years later than from")


def check_filter(chosen: ReportFilter) -> None:
    """Return if a filter names no more than a statement takes. Raises `FieldInvalid`."""
    for name in ("program_ids", "partner_ids", "link_ids"):
        if len(getattr(chosen, name) or ()) > FILTER_IDS:
            raise FieldInvalid(name, f"must have at most {FILTER_IDS} ids")


def check_top(top: Top) -> None:
    """Return if a ranking is not too long. Raises `FieldInvalid`."""
    if not 1 <= top.limit <= TOP_SHARES:
        raise FieldInvalid("limit", f"must be between 1 and {TOP_SHARES}")


def check_series(request: ReportRequest, interval: Interval) -> None:
    """Return if a series is not too long, for a request whose span is one. Raises `FieldInvalid`."""
    if interval is Interval.HOUR and _length(request) > BUCKETS * timedelta(hours=1):
        raise FieldInvalid("interval", f"must give at most {BUCKETS} buckets; DAY, WEEK and MONTH do for this span")


def _length(request: ReportRequest) -> timedelta:
    # In UTC: between two moments of one zone Python counts what its clocks show.
    return request.end.astimezone(UTC) - request.start.astimezone(UTC)
