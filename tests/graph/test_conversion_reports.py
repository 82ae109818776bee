"""Click reports count conversions: equal to a recount of leads, sales, refunds and commissions, aggregated or not."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.audit.report import audit
from db.outbox.consumers import rewind_consumer
from db.rollups.aggregator import ConversionAggregator
from graph.domain.scope import Viewer
from graph.reports.calendars import Interval
from graph.reports.requests import ClickReport, ReportFilter, ReportRequest, Top
from tests.graph.test_reports import VIEWERS, ZONES, ids, moments, runner, visits
from tests.support.conversion_history import (
    History,
    Step,
    conversion_aggregation,
    converted,
    facts,
    forget_conversions,
    prepare,
    ranked_with_conversions,
)
from tests.support.report_world import RANKED, Event, World, chosen, counted

__all__ = ("runner",)

QUARTER = timedelta(minutes=15)
steps = st.builds(
    Step,
    st.sampled_from(("lead", "browser lead", "sale", "sale", "sale", "refund", "reject")),
    st.integers(0, 20),
    st.builds(
        lambda quarters, more: quarters * QUARTER + timedelta(seconds=more), st.integers(0, 700), st.integers(0, 2)
    ),
    st.integers(0, 40),
    st.sampled_from(("USD", "USD", "EUR", "JPY")),
)
made_clicks = st.lists(st.tuples(moments(), st.integers(1, 5), visits), min_size=1, max_size=5)
batches = st.lists(st.tuples(made_clicks, st.lists(steps, max_size=8), st.integers(0, 4)), min_size=1, max_size=4)
requests = st.builds(
    lambda ends, zone, chosen, series, tops: ReportRequest(
        *(min(ends), max(ends), zone, chosen),
        series=series,
        tops=tops,
        conversion_totals=True,
        conversion_series=series,
    ),
    st.tuples(moments(), moments()).filter(lambda ends: timedelta() < abs(ends[1] - ends[0]) < timedelta(days=200)),
    st.sampled_from(ZONES),
    st.builds(ReportFilter, ids, ids, ids, st.none() | st.booleans()),
    st.lists(st.sampled_from(Interval), max_size=2, unique=True).map(tuple),
    st.lists(st.builds(Top, st.sampled_from(RANKED), st.integers(1, 4), st.just(True)), max_size=3, unique=True).map(
        tuple
    ),
)


@pytest.mark.slow
def test_a_report_equals_a_recount_of_the_conversions(runner: asyncio.Runner, database_url: str) -> None:
    world = runner.run(World.make(database_url))
    runner.run(prepare(world))

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(batches=batches, asked=st.lists(st.tuples(requests, st.sampled_from(VIEWERS)), min_size=1, max_size=4))
    def check(batches: Any, asked: Sequence[tuple[ReportRequest, Viewer]]) -> None:
        runner.run(forget_conversions(world))
        runner.run(world.forget())
        runner.run(record(world, batches))
        events, found = runner.run(world.events()), runner.run(facts(world))
        for request, viewer in asked:
            runner.run(compare(world, request, viewer, events, found))
        assert not runner.run(audit(world.store)).differences

    check()
    runner.run(world.close())


async def record(world: World, batches: Sequence[tuple[Any, Sequence[Step], int]]) -> None:
    """Record batches of clicks and conversions. After each, up to two runners aggregate a small portion at once, or the
    consumer starts from the beginning."""
    history = History(world)
    runners = [conversion_aggregation(world, portion_events=size) for size in (2, 3)]
    for made, happened, action in batches:
        await history.click(made)
        await history.convert(happened)
        if action == 4:
            await rewind_consumer(world.store, ConversionAggregator(world.store))
        await asyncio.gather(*(each.run_once() for each in runners[: action % 3]))
    for each in runners:
        await each.close()


async def compare(
    world: World, request: ReportRequest, viewer: Viewer, stored: Sequence[Event], known: Sequence[Event]
) -> None:
    """Assert that a report says what a recount does."""
    check_report(await world.report(request, viewer), request, viewer, stored, known)


def check_report(
    report: ClickReport, request: ReportRequest, viewer: Viewer, stored: Sequence[Event], known: Sequence[Event]
) -> None:
    """Assert that a report says what the clicks and the conversions of its moment add up to."""

    def of(listed: Sequence[Event], start: Any, end: Any) -> Sequence[Event]:
        inside = [event for event in listed if start <= event["occurred_at"] < end]
        return [event for event in inside if chosen(event, viewer, request.filter)]

    events, found = of(stored, request.start, request.end), of(known, request.start, request.end)
    assert report.totals == converted(counted(events), found)
    for buckets in report.series.values():
        for bucket in buckets:
            inside = counted(of(stored, bucket.start, bucket.end))
            assert bucket.counts == converted(inside, of(known, bucket.start, bucket.end))
    for top, shares in report.tops.items():
        expected = ranked_with_conversions(events, found, top)
        assert [(share.value, share.counts) for share in shares] == expected
