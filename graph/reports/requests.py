"""Click report requests, their validation, and their results.

They know nothing of GraphQL or SQL; times without an offset, and spans and lists that are too long, are rejected here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from db.segments.grouping import MOST_GROUPS
from db.segments.questions import TIMES, Condition, Cursor, In, Key, Order
from graph.domain.errors import FieldInvalid
from graph.domain.money import Money
from graph.reports.calendars import Interval

FILTER_IDS = 100
TOP_SHARES = 100
BREAKDOWN_DIMENSIONS = 3
BREAKDOWN_ROWS = 100
# In all rows of a page: some megabytes of an answer.
BREAKDOWN_BUCKETS = 20_000
# There are never more rows.
BREAKDOWN_OFFSET = MOST_GROUPS
# The codes of all countries at once, whose names only clients know.
SEARCH_TEXTS, SEARCH_LENGTH = 300, 255
CONDITIONS = 20
# Values that a condition names.
CONDITION_VALUES = 100
# More than half a year of hours; longer periods need larger buckets.
BUCKETS = 5000
LONGEST_YEARS = 20
# Including leap days, and a day for clock changes at both ends.
LONGEST = timedelta(days=LONGEST_YEARS * 365 + 5 + 1)
# No click is older. Later years exceed what time zone rules and dates can represent reliably.
FIRST_YEAR, LAST_YEAR = 1971, 2999
BUCKET_LENGTHS = {
    Interval.HOUR: timedelta(hours=1),
    Interval.DAY: timedelta(days=1),
    Interval.WEEK: timedelta(weeks=1),
    Interval.MONTH: timedelta(days=30),
}


class Top(NamedTuple):
    """A ranking of at most `limit` values. With conversions, values that have no clicks but conversions follow those
    with clicks."""

    by: str
    limit: int = 10
    with_conversions: bool = False
    with_visitors: bool = False


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which clicks to count; None does not restrict. Ids that do not exist or are out of scope match no clicks."""

    program_ids: tuple[int, ...] | None = None
    partner_ids: tuple[int, ...] | None = None
    link_ids: tuple[int, ...] | None = None
    is_bot: bool | None = None
    where: tuple[Condition, ...] = ()
    """Conditions on dimensions."""


class BreakdownRequest(NamedTuple):
    """The first groups after a cursor and an offset, by one to three dimensions, in an order; with an interval, each
    has a series. A search leaves out the groups of which no value contains one of its texts."""

    by: tuple[str, ...]
    interval: Interval | None = None
    first: int = 20
    after: Cursor | None = None
    order: Order = Order.CLICKS
    is_descending: bool = True
    with_visitors: bool = False
    with_rest: bool = False
    offset: int = 0
    search: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """The period from `start` (inclusive) to `end` (exclusive), the time zone of the buckets, and the parts requested:
    `totals` and `series` of clicks, and the same of conversions; a ranking says by itself whether it has them."""

    start: datetime
    end: datetime
    timezone: str = "UTC"
    filter: ReportFilter = field(default_factory=ReportFilter)
    totals: bool = True
    series: tuple[Interval, ...] = ()
    tops: tuple[Top, ...] = ()
    conversion_totals: bool = False
    conversion_series: tuple[Interval, ...] = ()
    visitors: bool = False
    visitor_series: tuple[Interval, ...] = ()
    breakdowns: tuple[BreakdownRequest, ...] = ()


class Counts(Struct, frozen=True, gc=False):
    """The number of clicks, and of the customers that they created; and if conversions are counted, what they add up
    to. Amounts are sorted by currency, without those that are zero. `visitors` is 0 where they are not counted."""

    people: int = 0
    bots: int = 0
    customers: int = 0
    leads: int = 0
    sales: int = 0
    revenue: tuple[Money, ...] = ()
    earnings: tuple[Money, ...] = ()
    visitors: int = 0

    @property
    def clicks(self) -> int:
        return self.people + self.bots

    @property
    def conversion_rate(self) -> float | None:
        """Sales by clicks of people; None without such clicks."""
        return self.sales / self.people if self.people else None


class Bucket(Struct, frozen=True, gc=False):
    """A bucket of a series, with offsets of the time zone. The first and the last are cut off at the ends of the
    period."""

    start: datetime
    end: datetime
    counts: Counts


class Share(Struct, frozen=True, gc=False):
    """One value in a ranking: a name, or an id as text; None if unknown."""

    value: str | None
    counts: Counts


class Row(Struct, frozen=True, gc=False):
    """A group of a breakdown: a value for each dimension, None if unknown, with the buckets of its series."""

    key: Key
    counts: Counts
    cursor: Cursor
    series: Sequence[Bucket] = ()


@dataclass(frozen=True, slots=True)
class BreakdownPage:
    """A page of a breakdown's groups, how many there are in all, and the counts of all that follow the page."""

    rows: Sequence[Row]
    total_count: int
    rest: Counts
    has_next: bool


@dataclass(frozen=True, slots=True)
class ClickReport:
    """The parts that were requested, all from one snapshot. Every click acknowledged before `data_as_of` is counted."""

    data_as_of: datetime
    totals: Counts | None
    series: Mapping[Interval, Sequence[Bucket]]
    tops: Mapping[Top, Sequence[Share]]
    breakdowns: Mapping[BreakdownRequest, BreakdownPage]


def check(request: ReportRequest) -> None:
    """Raise `FieldInvalid` if a request cannot be answered."""
    check_span(request)
    check_filter(request.filter)
    for top in request.tops:
        check_top(top)
    for breakdown in request.breakdowns:
        check_breakdown(request, breakdown)
    for interval in (*request.series, *request.conversion_series):
        check_series(request, interval)


def check_span(request: ReportRequest) -> None:
    """Raise `FieldInvalid` if a request's period is invalid. An empty period is valid."""
    for name, moment in (("from", request.start), ("to", request.end)):
        if moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise FieldInvalid(name, f"must have a UTC offset and lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    span = _length(request)
    if span < timedelta(0):
        raise FieldInvalid("to", "must not be earlier than from")
    if span > LONGEST:
        raise FieldInvalid("to", f"must be at most {LONGEST_YEARS} years after from")


def check_filter(chosen: ReportFilter) -> None:
    """Raise `FieldInvalid` if a filter has too many ids."""
    for name in ("program_ids", "partner_ids", "link_ids"):
        if len(getattr(chosen, name) or ()) > FILTER_IDS:
            raise FieldInvalid(name, f"must have at most {FILTER_IDS} ids")
    if len(chosen.where) > CONDITIONS:
        raise FieldInvalid("where", f"must have at most {CONDITIONS} conditions")
    for condition in chosen.where:
        if isinstance(condition, In) and len(condition.values) > CONDITION_VALUES:
            raise FieldInvalid("where", f"must have at most {CONDITION_VALUES} values in a condition")


def check_breakdown(request: ReportRequest, breakdown: BreakdownRequest) -> None:
    """Raise `FieldInvalid` if a breakdown has too many dimensions or rows. The period must have been checked."""
    if not 1 <= len(breakdown.by) <= BREAKDOWN_DIMENSIONS:
        raise FieldInvalid("by", f"must have 1 to {BREAKDOWN_DIMENSIONS} dimensions")
    if len(set(breakdown.by)) < len(breakdown.by):
        raise FieldInvalid("by", "must not have a dimension twice")
    if not 0 <= breakdown.first <= BREAKDOWN_ROWS:
        raise FieldInvalid("first", f"must be between 0 and {BREAKDOWN_ROWS}")
    if not 0 <= breakdown.offset <= BREAKDOWN_OFFSET:
        raise FieldInvalid("offset", f"must be between 0 and {BREAKDOWN_OFFSET}")
    if breakdown.search is not None:
        _check_search(breakdown.search, breakdown.by)
    if breakdown.interval is not None:
        check_series(request, breakdown.interval)
        if breakdown.first * buckets_of(request, breakdown.interval) > BREAKDOWN_BUCKETS:
            raise FieldInvalid(
                "interval",
                f"must produce at most {BREAKDOWN_BUCKETS} buckets in all rows; use a longer one, a shorter period or "
                "fewer rows",
            )


def _check_search(texts: tuple[str, ...], by: tuple[str, ...]) -> None:
    if set(by) <= set(TIMES):
        raise FieldInvalid("search", "must not be given for hours and days alone")
    if len(texts) > SEARCH_TEXTS or any(len(text) > SEARCH_LENGTH for text in texts):
        raise FieldInvalid("search", f"must have at most {SEARCH_TEXTS} texts of at most {SEARCH_LENGTH} characters")


def check_top(top: Top) -> None:
    """Raise `FieldInvalid` if a ranking is too long or empty."""
    if not 1 <= top.limit <= TOP_SHARES:
        raise FieldInvalid("limit", f"must be between 1 and {TOP_SHARES}")


def check_series(request: ReportRequest, interval: Interval) -> None:
    """Raise `FieldInvalid` if a series would have too many buckets. The period must have been checked."""
    if interval is Interval.HOUR and _length(request) > BUCKETS * timedelta(hours=1):
        raise FieldInvalid(
            "interval", f"must produce at most {BUCKETS} buckets; use DAY, WEEK or MONTH for this period"
        )


def buckets_of(request: ReportRequest, interval: Interval) -> int:
    """Return how many buckets of usual length a request's period has."""
    return -(-_length(request) // BUCKET_LENGTHS[interval])


def _length(request: ReportRequest) -> timedelta:
    # In UTC, because Python subtracts wall clock times if both have the same zone.
    return request.end.astimezone(UTC) - request.start.astimezone(UTC)
