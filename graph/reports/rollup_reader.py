"""Reads the totals and series of reports from rollups, equal to a recount of the events.

The cost grows with the length of the period, not with the number of clicks.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, pairwise
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from db.engine.backend.protocol import Source
from db.rollups.bucket_parameters import bucket_values
from db.rollups.buckets import Form
from db.rollups.sources import CLICKS, CONVERSIONS, RollupSource
from db.rollups.sums import SPANS
from graph.domain.money import Money
from graph.reports.bucket_pieces import pieces
from graph.reports.calendars import DAY, HOUR, Interval, edges, local_time
from graph.reports.filters import ClickSelection
from graph.reports.requests import Bucket, Counts, ReportRequest
from graph.reports.statements import Asked, series

# Dividing this many buckets takes a few milliseconds.
MANY_BUCKETS = 500
# Dashboards request the same days again and again. Long periods are large: twenty years of days take about four
# megabytes.
KEPT_SPANS, KEPT_LONG_SPANS = 32, 4
NONE = Counts()


class SpanRequest(NamedTuple):
    """A period and, for a series, the length of its buckets by the clocks of the zone."""

    start: datetime
    end: datetime
    zone: ZoneInfo
    interval: Interval | None


class Span(NamedTuple):
    """A period as statements need it: their parameters, the buckets in local time, and the form of the statement."""

    values: Mapping[str, Any]
    buckets: Sequence[tuple[datetime, datetime]]
    form: Form


def _span_of(request: SpanRequest, *, is_sqlite: bool) -> Span:
    """Return a period divided into ranges that there are rollups of."""
    start, end, zone, interval = request
    edges_at = (start, end) if interval is None else edges(start, end, zone, interval)
    made_of = pieces(edges_at, SPANS)
    values = bucket_values(made_of, is_sqlite=is_sqlite)
    return Span(values, list(pairwise(local_time(at, zone) for at in edges_at)), made_of.form)


span_of, long_span_of = lru_cache(KEPT_SPANS)(_span_of), lru_cache(KEPT_LONG_SPANS)(_span_of)


def statements_of(request: ReportRequest) -> int:
    """Return how many statements the totals and series of a report take."""
    has_totals = (request.totals or request.conversion_totals) and _totaled(request) is None
    return has_totals + len(request.series)


def _totaled(request: ReportRequest) -> Interval | None:
    """Return the series whose sum is the totals, if there is one."""
    with_conversions = request.conversion_series if request.conversion_totals else request.series
    return next((interval for interval in request.series if interval in with_conversions), None)


@dataclass(frozen=True, slots=True)
class RollupReader:
    """Reads the parts of one report, for one viewer, from one snapshot. `values` are the parameters of the
    selection."""

    source: Source
    selection: ClickSelection
    values: Mapping[str, Any]
    request: ReportRequest
    zone: ZoneInfo
    is_sqlite: bool

    async def totals(self, by_interval: Mapping[Interval, Sequence[Bucket]]) -> Counts | None:
        """Return the sum of a series if possible: another statement would read the same rollups again."""
        request = self.request
        sources = [CLICKS] * request.totals + [CONVERSIONS] * request.conversion_totals
        if not sources:
            return None
        if (interval := _totaled(request)) is not None:
            return total_of([bucket.counts for bucket in by_interval[interval]])
        span = await self._span(None)
        return (await self._series(span, *sources)).get(0, NONE)

    async def series(self, interval: Interval) -> Sequence[Bucket]:
        span = await self._span(interval)
        has_conversions = interval in self.request.conversion_series
        counts = await self._series(span, CLICKS, *[CONVERSIONS] * has_conversions)
        return [Bucket(start, end, counts.get(number, NONE)) for number, (start, end) in enumerate(span.buckets)]

    async def _span(self, interval: Interval | None) -> Span:
        start, end = self.request.start.astimezone(UTC), self.request.end.astimezone(UTC)
        request = SpanRequest(start, end, self.zone, interval)
        if (end - start) / (HOUR if interval is Interval.HOUR else DAY) < MANY_BUCKETS:
            return span_of(request, is_sqlite=self.is_sqlite)
        # In a thread, so that clicks are not held up.
        return await asyncio.to_thread(long_span_of, request, is_sqlite=self.is_sqlite)

    async def _series(self, span: Span, *sources: RollupSource) -> Mapping[int, Counts]:
        """Return the counts of each bucket that has any, by its number."""
        rows = await self.source.fetch(series(self._asked(span), *sources), self._values(span))
        return by_bucket(rows, self.request.filter.is_bot)

    def _asked(self, span: Span) -> Asked:
        return Asked(self.selection, self.request.filter.is_bot, span.form, self.is_sqlite)

    def _values(self, span: Span) -> dict[str, Any]:
        return {**span.values, **self.values}


COUNTS: Mapping[bool | None, Callable[[int, int, int, int], Counts]] = MappingProxyType(
    {
        None: lambda people, bots, customers, bot_customers: Counts(people, bots, customers + bot_customers),
        False: lambda people, bots, customers, bot_customers: Counts(people, 0, customers),
        True: lambda people, bots, customers, bot_customers: Counts(0, bots, bot_customers),
    }
)


def by_bucket(rows: Iterable[Sequence[Any]], is_bot: bool | None) -> dict[int, Counts]:
    """Return counts by bucket from the rows of `series`, for the clicks that a report is about."""
    count = COUNTS[is_bot]
    counts: dict[int, Counts] = {}
    converted: dict[int, list[Any]] = {}
    for bucket, currency, first, second, third, fourth in rows:
        if currency is None:
            counts[bucket] = count(first, second, third, fourth)
        else:
            converted.setdefault(bucket, []).append((currency, first, second, third, fourth))
    for bucket, sums in converted.items():
        counts[bucket] = with_conversions(counts.get(bucket, NONE), sums)
    return counts


def with_conversions(counts: Counts, sums: list[tuple[str, int, int, int, int]]) -> Counts:
    """Return counts of clicks with those of conversions, given by currency: leads, sales, revenue and earnings."""
    all_leads = all_sales = 0
    revenues, earned = [], []
    for currency, leads, sales, revenue, earnings in sorted(sums):
        all_leads += leads
        all_sales += sales
        if revenue:
            revenues.append(Money(revenue, currency))
        if earnings:
            earned.append(Money(earnings, currency))
    clicks = (counts.people, counts.bots, counts.customers)
    return Counts(*clicks, all_leads, all_sales, tuple(revenues), tuple(earned))


def total_of(counts: Sequence[Counts]) -> Counts:
    """Return the sum of counts."""
    numbers = (sum(map(attrgetter(name), counts)) for name in ("people", "bots", "customers", "leads", "sales"))
    return Counts(*numbers, *(_total_amounts(map(attrgetter(name), counts)) for name in ("revenue", "earnings")))


def _total_amounts(listed: Iterable[Iterable[Money]]) -> tuple[Money, ...]:
    total: Counter[str] = Counter()
    for amount, currency in chain.from_iterable(listed):
        total[currency] += amount
    return tuple(Money(amount, currency) for currency, amount in sorted(total.items()) if amount)
