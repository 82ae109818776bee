"""Reads click reports from rollups, equal to a recount of the events.

All parts of a report see one snapshot. The cost grows with the length of the period, not with the number of clicks.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import islice, pairwise
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from db.engine.backend.protocol import Source
from db.rollups.bucket_parameters import bucket_values
from db.rollups.buckets import Form
from graph.domain.context import Context
from graph.domain.errors import Unauthenticated, outages
from graph.domain.money import Money
from graph.domain.scope import Viewer
from graph.reports.bucket_pieces import pieces
from graph.reports.calendars import DAY, HOUR, Interval, edges, zone_of
from graph.reports.filters import ClickSelection
from graph.reports.requests import Bucket, ClickReport, Counts, ReportRequest, Share, Top, check
from graph.reports.statements import conversion_ranking, conversion_series, ranking, series

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


async def read(context: Context, request: ReportRequest) -> ClickReport:
    """Return the parts of a report, reading each with one statement. Raises `Unauthenticated`, `FieldInvalid`,
    `DatabaseAway`."""
    if context.viewer is None:
        raise Unauthenticated
    check(request)
    zone, store = zone_of(request.timezone), context.services.store
    # Taken before the snapshot, so that everything committed by now is in it.
    as_of = context.services.clock()
    with outages():
        async with AsyncExitStack() as stack:
            # A single query is its own snapshot.
            is_single = _statements(request) == 1
            source = store if is_single else await stack.enter_async_context(store.snapshot())
            reader = _Reader(source, context.viewer, request, zone, store.is_sqlite)
            return ClickReport(
                data_as_of=as_of,
                totals=await reader.totals(),
                series={interval: await reader.series(interval) for interval in request.series},
                tops={top: await reader.top(top) for top in request.tops},
            )


def _statements(request: ReportRequest) -> int:
    parts = request.totals + len(request.series) + sum(1 + top.with_conversions for top in request.tops)
    return parts + request.conversion_totals + len(request.conversion_series)


class Span(NamedTuple):
    """A period as statements need it: their parameters, the buckets in local time, and the form of the statement."""

    values: Mapping[str, Any]
    buckets: Sequence[tuple[datetime, datetime]]
    form: Form


def _span_of(request: SpanRequest, spans: Sequence[int], *, is_sqlite: bool) -> Span:
    """Return a period divided into ranges, for rollups of the given lengths."""
    start, end, zone, interval = request
    edges_at = (start, end) if interval is None else edges(start, end, zone, interval)
    made_of = pieces(edges_at, spans)
    values = bucket_values(made_of, is_sqlite=is_sqlite)
    return Span(values, list(pairwise(_local(at, zone) for at in edges_at)), made_of.form)


span_of, long_span_of = lru_cache(KEPT_SPANS)(_span_of), lru_cache(KEPT_LONG_SPANS)(_span_of)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a time in local time with a fixed offset. Looking the offset up again while encoding takes longer than
    encoding."""
    local = moment.astimezone(zone)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta(0)))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of one report, for one viewer, from one snapshot."""

    source: Source
    viewer: Viewer
    request: ReportRequest
    zone: ZoneInfo
    is_sqlite: bool

    async def totals(self) -> Counts | None:
        if not self.request.totals and not self.request.conversion_totals:
            return None
        counts = NONE
        span = await self._span(None, self._selection.spans())
        if self.request.totals:
            for _, *sums in await self._count(span):
                counts = self._counts(*sums)
        if self.request.conversion_totals:
            for _, rows in await self._conversions(span):
                counts = with_conversions(counts, rows)
        return counts

    async def series(self, interval: Interval) -> Sequence[Bucket]:
        span = await self._span(interval, self._selection.spans())
        counts = [NONE] * len(span.buckets)
        count = self._counts
        for bucket, people, bots, customers, bot_customers in await self._count(span):
            counts[bucket] = count(people, bots, customers, bot_customers)
        if interval in self.request.conversion_series:
            for bucket, rows in await self._conversions(span):
                counts[bucket] = with_conversions(counts[bucket], rows)
        return [Bucket(start, end, counted) for (start, end), counted in zip(span.buckets, counts, strict=True)]

    async def top(self, top: Top) -> Sequence[Share]:
        selection, is_bot = self._selection, self.request.filter.is_bot
        span = await self._span(None, selection.spans(top.by))
        query = ranking(selection, top.by, is_bot, span.form, is_sqlite=self.is_sqlite)
        rows = await self.source.fetch(query, self._values(span) | {"limit": top.limit})
        counts = {value: self._counts(*sums) for value, *sums in rows}
        if top.with_conversions:
            query = conversion_ranking(selection, top.by, is_bot, span.form, is_sqlite=self.is_sqlite)
            values = self._values(span) | {"limit": top.limit, "values": list(counts)}
            found = {
                value: with_conversions(counts.get(value, NONE), rows)
                for value, rows in by_key(await self.source.fetch(query, values))
            }
            # Values without clicks are added in this order, after the others.
            counts |= sorted(found.items(), key=lambda each: (-each[1].sales, -each[1].leads, each[0]))
        return [Share(value or None, counted) for value, counted in islice(counts.items(), top.limit)]

    async def _span(self, interval: Interval | None, spans: Sequence[int]) -> Span:
        start, end = self.request.start.astimezone(UTC), self.request.end.astimezone(UTC)
        request, spans = SpanRequest(start, end, self.zone, interval), tuple(spans)
        if (end - start) / (HOUR if interval is Interval.HOUR else DAY) < MANY_BUCKETS:
            return span_of(request, spans, is_sqlite=self.is_sqlite)
        # In a thread, so that clicks are not held up.
        return await asyncio.to_thread(long_span_of, request, spans, is_sqlite=self.is_sqlite)

    async def _count(self, span: Span) -> Sequence[Any]:
        """Return the number of each bucket that has clicks, and its sums of `COUNTERS`."""
        query = series(self._selection, span.form, is_sqlite=self.is_sqlite)
        return await self.source.fetch(query, self._values(span))

    async def _conversions(self, span: Span) -> Iterable[tuple[int, Sequence[Any]]]:
        """Return the number of each bucket that has conversions, and its rows of currency and sums."""
        query = conversion_series(self._selection, self.request.filter.is_bot, span.form, is_sqlite=self.is_sqlite)
        return by_key(await self.source.fetch(query, self._values(span)))

    def _values(self, span: Span) -> dict[str, Any]:
        chosen = self.request.filter
        ids = {"program_ids": chosen.program_ids, "partner_ids": chosen.partner_ids, "link_ids": chosen.link_ids}
        return {**span.values, **ids, **self.viewer.values}

    @property
    def _selection(self) -> ClickSelection:
        chosen = self.request.filter
        return ClickSelection(
            self.viewer.audience,
            of_programs=chosen.program_ids is not None,
            of_partners=chosen.partner_ids is not None,
            of_links=chosen.link_ids is not None,
        )

    @property
    def _counts(self) -> Callable[[int, int, int, int], Counts]:
        """Return the function from `COUNTERS` to counts, for the clicks that the report is about."""
        return COUNTS[self.request.filter.is_bot]


COUNTS: Mapping[bool | None, Callable[[int, int, int, int], Counts]] = MappingProxyType(
    {
        None: lambda people, bots, customers, bot_customers: Counts(people, bots, customers + bot_customers),
        False: lambda people, bots, customers, bot_customers: Counts(people, 0, customers),
        True: lambda people, bots, customers, bot_customers: Counts(0, bots, bot_customers),
    }
)


def by_key(rows: Sequence[Any]) -> Iterable[tuple[Any, Sequence[Any]]]:
    """Group rows by their first value, in the order in which the values first appear."""
    found: dict[Any, list[Any]] = {}
    for key, *sums in rows:
        found.setdefault(key, []).append(sums)
    return found.items()


def with_conversions(counts: Counts, rows: Iterable[tuple[str, int, int, int, int]]) -> Counts:
    """Return counts of clicks with those of conversions, given by currency: leads, sales, revenue and earnings."""
    currencies, leads, sales, revenue, earnings = zip(*rows, strict=True)
    return Counts(
        *(counts.people, counts.bots, counts.customers, sum(leads), sum(sales)),
        *(_amounts(currencies, revenue), _amounts(currencies, earnings)),
    )


def _amounts(currencies: Sequence[str], amounts: Sequence[int]) -> tuple[Money, ...]:
    pairs = sorted(zip(currencies, amounts, strict=True))
    return tuple(Money(amount, currency) for currency, amount in pairs if amount)
