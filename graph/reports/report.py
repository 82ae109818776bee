"""What one asks of a click report, checked, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from graph.errors import FieldInvalid
from graph.reports.calendars import Interval
from graph.reports.selection import By

FILTER_IDS = 100
TOP_SHARES = 100
# So many hours are more than half a year; who wants more wants days.
BUCKETS = 5000
LONGEST = timedelta(days=3660)
# No click is older, and beyond these years time zones are guesses and dates have an end.
FIRST_YEAR, LAST_YEAR = 1971, 2999


class Top(NamedTuple):
    """A ranking of at most `limit` values."""

    by: By
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
    for name, moment in (("from", request.start), ("to", request.end)):
        if moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise FieldInvalid(name, f"must have an offset, and lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    span = request.end.astimezone(UTC) - request.start.astimezone(UTC)
    if span <= timedelta(0):
        raise FieldInvalid("to", "must be later than from")
    if span > LONGEST:
        raise FieldInvalid("to", f"must be at most {LONGEST.days} days later than from")
    for name in ("program_ids", "partner_ids", "link_ids"):
        if len(getattr(request.filter, name) or ()) > FILTER_IDS:
            raise FieldInvalid(name, f"must be at most {FILTER_IDS}")
    if any(not 1 <= top.limit <= TOP_SHARES for top in request.tops):
        raise FieldInvalid("limit", f"must be between 1 and {TOP_SHARES}")
    if Interval.HOUR in request.series and span > BUCKETS * timedelta(hours=1):
        raise FieldInvalid("interval", f"must give at most {BUCKETS} buckets")
