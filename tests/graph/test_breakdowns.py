"""Breakdowns, conditions on dimensions and distinct visitors equal a recount, in segments or not yet."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from db.audit.report import audit
from db.outbox import history
from db.outbox.consumers import rewind_consumer
from db.segments import bit_columns, counting, encoding, packed_clicks, scan
from db.segments.builder import ConversionSegmentBuilder, SegmentBuilder
from db.segments.columns import DIMENSIONS
from db.segments.questions import TIMES, HasPrefix, In, IsKnown, Order
from graph.domain.scope import Viewer
from graph.reports.calendars import Interval
from graph.reports.requests import BreakdownPage, BreakdownRequest, Counts, ReportFilter, ReportRequest
from tests.graph.test_conversion_reports import steps
from tests.graph.test_reports import VIEWERS, ZONES, ids, moments, runner, visits
from tests.support.breakdowns import groups, meets, value
from tests.support.conversion_history import History, converted, facts, forget_conversions, prepare
from tests.support.report_world import Event, World, chosen, with_visitors

__all__ = ("runner",)

BUILDERS = (SegmentBuilder, ConversionSegmentBuilder)
TEXTS = tuple(column.name for column in DIMENSIONS)
dimensions = st.sampled_from((*TEXTS, "program", "partner", "link", "hour_of_day", "day_of_week"))
known_texts = st.frozensets(st.sampled_from(("DE", "US", "mobile", "Firefox", "firefox", "/", "nowhere")), max_size=3)
conditions = st.one_of(
    st.builds(In, st.sampled_from(TEXTS), known_texts, st.booleans()),
    st.builds(In, st.sampled_from(("program", "partner", "link")), st.frozensets(st.integers(1, 4)), st.booleans()),
    st.builds(In, st.just("hour_of_day"), st.frozensets(st.integers(0, 23)), st.booleans()),
    st.builds(In, st.just("day_of_week"), st.frozensets(st.integers(0, 6)), st.booleans()),
    st.builds(HasPrefix, st.sampled_from(TEXTS), st.sampled_from(("F", "fire", "https://", "/", "D", ""))),
    st.builds(IsKnown, dimensions, st.booleans()),
)
breakdowns = st.builds(
    BreakdownRequest,
    st.lists(dimensions, min_size=1, max_size=3, unique=True).map(tuple),
    st.none() | st.sampled_from(Interval),
    st.integers(0, 4),
    st.none(),
    st.sampled_from([order for order in Order if order is not Order.RANKING]),
    st.booleans(),
    st.booleans(),
    st.just(True),
    st.integers(0, 3),
    st.none() | st.lists(st.sampled_from(("d", "fIRE", "1", "nowhere", "")), max_size=3).map(tuple),
).filter(lambda asked: asked.search is None or not {*asked.by} <= {*TIMES})
requests = st.builds(
    lambda ends, zone, chosen, where, series, breakdowns, visitors: ReportRequest(
        *(min(ends), max(ends), zone, replace(chosen, where=where)),
        series=series,
        conversion_totals=True,
        conversion_series=series,
        visitors=visitors,
        visitor_series=series if visitors else (),
        breakdowns=breakdowns,
    ),
    st.tuples(moments(), moments()).filter(lambda ends: timedelta() < abs(ends[1] - ends[0]) < timedelta(days=200)),
    st.sampled_from(ZONES),
    st.builds(ReportFilter, ids, ids, ids, st.none() | st.booleans()),
    st.just(()) | st.lists(conditions, max_size=2).map(tuple),
    st.lists(st.sampled_from(Interval), max_size=1).map(tuple),
    st.lists(breakdowns, min_size=1, max_size=2, unique=True).map(tuple),
    st.booleans(),
)
made_clicks = st.lists(st.tuples(moments(), st.integers(1, 5), visits), min_size=1, max_size=6)
batches = st.lists(st.tuples(made_clicks, st.lists(steps, max_size=5), st.integers(0, 4)), min_size=1, max_size=4)


# How clicks are counted: as numbers of so many bits, so many of them at a time, in how many bytes of memory. How many
# rows of segments are read at once, and how many make a large segment.
PARTS: tuple[tuple[Any, str], ...] = (
    (packed_clicks, "NUMBER_BITS"),
    (packed_clicks, "TALLIED_BITS"),
    (bit_columns, "CHUNK_ROWS"),
    (counting, "PACKED_BYTES"),
    (scan, "STEP_ROWS"),
    (scan, "CACHED_STEP_ROWS"),
    (encoding, "LARGE_ROWS"),
)
SIZES = [
    (64, 20, 65_536, 2**20, 2**20, 2**20, 100_000),
    (64, 9, 1, 64, 1, 1, 1),
    (12, 0, 2, 2**20, 2, 9, 3),
    (0, 0, 1, 64, 9, 1, 2),
]


@pytest.mark.slow
def test_a_breakdown_equals_a_recount(
    runner: asyncio.Runner, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = runner.run(World.make(database_url))
    runner.run(prepare(world))

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        batches=batches,
        asked=st.lists(st.tuples(requests, st.sampled_from(VIEWERS)), min_size=1, max_size=4),
        sizes=st.sampled_from(SIZES),
        part_ids=st.sampled_from((1, 2, history.PART_IDS)),
    )
    def check(
        batches: Any, asked: Sequence[tuple[ReportRequest, Viewer]], sizes: tuple[int, ...], part_ids: int
    ) -> None:
        for (module, name), size in zip(PARTS, sizes, strict=True):
            monkeypatch.setattr(module, name, size)
        runner.run(forget_conversions(world))
        runner.run(world.forget())
        with patch.object(history, "PART_IDS", part_ids):
            runner.run(record(world, batches))
        assert not runner.run(audit(world.store)).differences
        runner.run(list_all(world))
        events, found = runner.run(world.events()), runner.run(facts(world))
        for request, viewer in asked:
            runner.run(compare(world, request, viewer, events, found))
        assert not runner.run(audit(world.store)).differences

    check()
    runner.run(world.close())


async def list_all(world: World) -> None:
    """List what remains of the history: until then, reports are refused."""
    for make in BUILDERS:
        await history.list_history(world.store, make.name, most_parts=len(make.kinds))


async def record(world: World, batches: Sequence[Any]) -> None:
    """Record batches of clicks and conversions. After each, runners make segments of a small portion, two at once, or
    the consumers start from the beginning, of which the runners list a part."""
    recorded = History(world)
    runners = [world.runner(make(world.store), portion_events=size) for make in BUILDERS for size in (2, 3)]
    for made, happened, action in batches:
        await recorded.click(made)
        await recorded.convert(happened)
        if action == 4:
            for make in BUILDERS:
                await rewind_consumer(world.store, make(world.store))
        await asyncio.gather(*(each.run_once() for each in runners[action % 2 :: 2] if action))
    for each in runners:
        await each.close()


class Counted(NamedTuple):
    """What a recount of one request goes by: its events and facts within a span, whether in all groups or in some."""

    stored: Sequence[Event]
    known: Sequence[Event]
    request: ReportRequest
    viewer: Viewer

    def of(self, listed: Sequence[Event], start: datetime, end: datetime) -> Sequence[Event]:
        wanted = self.request.filter
        return [
            event
            for event in listed
            if start <= event["occurred_at"] < end
            and chosen(event, self.viewer, wanted)
            and meets(event, wanted.where, self.request.timezone)
        ]

    def counts(self, start: datetime, end: datetime, by: Sequence[str] = (), keys: Collection[Any] = ((),)) -> Counts:
        def inside(listed: Sequence[Event]) -> Sequence[Event]:
            zone = self.request.timezone
            found = self.of(listed, start, end)
            return [event for event in found if tuple(value(event, dimension, zone) for dimension in by) in keys]

        return converted(with_visitors(inside(self.stored)), inside(self.known))


def without_visitors(counts: Counts) -> Counts:
    return structs.replace(counts, visitors=0)


async def compare(
    world: World, request: ReportRequest, viewer: Viewer, stored: Sequence[Event], known: Sequence[Event]
) -> None:
    """Assert that a report, and all pages of its breakdowns, say what a recount does."""
    recount = Counted(stored, known, request, viewer)
    report = await world.report(request, viewer)
    seen = (lambda counts: counts) if request.visitors else without_visitors
    assert report.totals == seen(recount.counts(request.start, request.end))
    for buckets in report.series.values():
        for bucket in buckets:
            assert bucket.counts == seen(recount.counts(bucket.start, bucket.end))
    for asked, page in report.breakdowns.items():
        await compare_pages(world, recount, asked, page)


async def compare_pages(world: World, recount: Counted, asked: BreakdownRequest, page: BreakdownPage) -> None:
    request, viewer = recount.request, recount.viewer
    events, found = (recount.of(listed, request.start, request.end) for listed in (recount.stored, recount.known))
    expected = groups(events, found, asked, request.timezone)
    seen = (lambda counts: counts) if asked.with_visitors else without_visitors
    of_rows = (lambda counts: counts) if asked.order is Order.VISITORS else seen
    at = min(asked.offset, len(expected))
    while True:
        assert page.total_count == len(expected)
        assert [(row.key, row.counts) for row in page.rows] == [
            (key, of_rows(counts)) for key, counts in expected[at : at + asked.first]
        ]
        at += len(page.rows)
        rest = [key for key, _ in expected[at:]]
        assert page.rest == seen(recount.counts(request.start, request.end, asked.by, rest))
        assert page.has_next is bool(rest)
        for row in page.rows:
            for bucket in row.series:
                assert bucket.counts == seen(recount.counts(bucket.start, bucket.end, asked.by, [row.key]))
        if not page.has_next or not page.rows:
            break
        following = asked._replace(after=page.rows[-1].cursor, offset=0)
        one = replace(request, series=(), breakdowns=(following,))
        page = (await world.report(one, viewer)).breakdowns[following]
