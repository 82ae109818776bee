"""The parts of a report that are answered from segments: rankings and breakdowns by dimension, distinct visitors, and
everything where there are conditions on dimensions."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from db.segments.answering import Events
from db.segments.conditions import column_of
from db.segments.questions import TIMES, Breakdown, Chosen, Group, Offset, Order, Sums, Value
from graph.domain.money import Money
from graph.domain.scope import Viewer, partners_in_scope
from graph.reports.calendars import Interval, edges, local_time
from graph.reports.requests import (
    BreakdownPage,
    BreakdownRequest,
    Bucket,
    Counts,
    ReportRequest,
    Row,
    Share,
    Top,
)
from graph.reports.zone_offsets import microseconds, zone_offsets

UTC_ONLY = (Offset(0, 0),)
EMPTY = Counts()
NO_SERIES: Mapping[Interval, Sequence[Bucket]] = {}


def columns_of(request: ReportRequest) -> frozenset[str]:
    """Return the columns of segments that a report may need, beside those that every event has."""
    return frozenset(map(column_of, _dimensions_of(request)))


def _dimensions_of(request: ReportRequest) -> Iterator[str]:
    yield from (top.by for top in request.tops)
    yield from (dimension for breakdown in request.breakdowns for dimension in breakdown.by)
    yield from (condition.dimension for condition in request.filter.where)


@dataclass(frozen=True, slots=True)
class Drilldown:
    """The answers to one report's questions."""

    events: Events
    viewer: Viewer
    request: ReportRequest
    zone: ZoneInfo

    async def totals(self, _series: Mapping[Interval, Sequence[Bucket]] = NO_SERIES) -> Counts | None:
        """Return the totals, with distinct visitors if they are asked for."""
        request = self.request
        if not (request.totals or request.conversion_totals or request.visitors):
            return None
        breakdown = Breakdown(first=1, with_visitors=self.request.visitors)
        answer = await self.events.answer(await self._chosen(), breakdown)
        return _counts(answer.groups[0].sums)

    async def series(self, interval: Interval) -> Sequence[Bucket]:
        """Return the buckets of a series."""
        spans = await asyncio.to_thread(self._spans, interval)
        with_visitors = interval in self.request.visitor_series
        breakdown = Breakdown(first=1, edges=spans.edges, with_visitors=with_visitors)
        answer = await self.events.answer(await self._chosen(), breakdown)
        return await asyncio.to_thread(spans.buckets, answer.groups[0].buckets)

    async def top(self, top: Top) -> Sequence[Share]:
        """Return a ranking."""
        breakdown = Breakdown(
            by=(top.by,),
            order=Order.RANKING,
            first=top.limit,
            with_visitors=top.with_visitors,
            with_conversions=top.with_conversions,
        )
        answer = await self.events.answer(await self._chosen(), breakdown)
        return [Share(_text(group.key[0]), _counts(group.sums)) for group in answer.groups]

    async def breakdown(self, asked: BreakdownRequest) -> BreakdownPage:
        """Return a page of a breakdown."""
        spans = await asyncio.to_thread(self._spans, asked.interval) if asked.interval else NO_SPANS
        breakdown = Breakdown(
            by=asked.by,
            order=asked.order,
            is_descending=asked.is_descending,
            first=asked.first,
            after=asked.after,
            offset=asked.offset,
            search=asked.search,
            edges=spans.edges,
            with_visitors=asked.with_visitors,
            with_rest=asked.with_rest,
        )
        answer = await self.events.answer(await self._chosen(), breakdown)
        rows = await asyncio.to_thread(lambda: [spans.row(group) for group in answer.groups])
        return BreakdownPage(rows, answer.total_count, _counts(answer.rest), answer.has_next)

    def _spans(self, interval: Interval) -> "_Spans":
        ends = edges(self.request.start, self.request.end, self.zone, interval)
        return _Spans(tuple(map(microseconds, ends)), list(pairwise(local_time(at, self.zone) for at in ends)))

    async def _chosen(self) -> Chosen:
        start, end = (at.astimezone(UTC) for at in (self.request.start, self.request.end))
        wanted = self.request.filter
        return Chosen(
            start_at=microseconds(start),
            end_at=microseconds(end),
            partner_ids=partners_in_scope(self.viewer, wanted.partner_ids),
            link_ids=None if wanted.link_ids is None else frozenset(wanted.link_ids),
            is_bot=wanted.is_bot,
            conditions=wanted.where,
            offsets=await asyncio.to_thread(zone_offsets, start, end, self.zone) if self._needs_clocks else UTC_ONLY,
        )

    @property
    def _needs_clocks(self) -> bool:
        return not set(TIMES).isdisjoint(_dimensions_of(self.request))


class _Spans(NamedTuple):
    """The buckets of a series: where they begin and end in microseconds, and the local times of each. There may be
    thousands, times the rows, so they are made off the event loop."""

    edges: tuple[int, ...]
    local: Sequence[tuple[datetime, datetime]]

    def row(self, group: Group) -> Row:
        return Row(group.key, _counts(group.sums), group.cursor, self.buckets(group.buckets))

    def buckets(self, sums: Mapping[int, Sums]) -> Sequence[Bucket]:
        found = {number: _counts(each) for number, each in sums.items()}
        return [Bucket(*ends, found.get(number, EMPTY)) for number, ends in enumerate(self.local)]


NO_SPANS = _Spans((), ())


def _counts(sums: Sums) -> Counts:
    return Counts(
        people=sums.people,
        bots=sums.bots,
        customers=sums.customers,
        leads=sums.leads,
        sales=sums.sales,
        revenue=tuple(Money(each.revenue, each.currency) for each in sums.amounts if each.revenue),
        earnings=tuple(Money(each.earnings, each.currency) for each in sums.amounts if each.earnings),
        visitors=sums.visitors,
    )


def _text(value: Value | None) -> str | None:
    return None if value is None else str(value)
