"""Click reports equal a recount of the events, aggregated or not, for any period and time zone."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import String, cast, update
from sqlalchemy import event as events_of

from db.audit.report import audit
from db.ingest.clicks.records import Click
from db.schema.partners import Partner
from db.schema.programs import Program
from graph.domain.errors import FieldInvalid, Unauthenticated
from graph.domain.scope import Viewer
from graph.reports import reader
from graph.reports.calendars import Interval
from graph.reports.dimensions import Dimension
from graph.reports.requests import Bucket, Counts, ReportFilter, ReportRequest, Top, check
from tests.support.report_world import ADMIN, RANKED, Event, World, chosen, click, counted, ranked

# Clocks change at or near each of these, in one zone or another.
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
)
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("Pacific/Apia", "Africa/Cairo", "America/Havana", "Pacific/Chatham"),
)
VIEWERS = (
    ADMIN,
    Viewer("program", program_id=1),
    Viewer("program", program_id=2),
    Viewer("partner", partner_id=1),
    Viewer("partner", partner_id=3),
    Viewer("partner", partner_id=1, program_id=2),
)
QUARTER = 900
PAGES = (None, "", "/", "https://yoursite.com/a", "https://yoursite.com/a?b=c", "https://yoursite.com/a#b?c", "x" * 600)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Draw moments within days of a change of clocks, many of them on the edges of a quarter of an hour."""
    seconds = draw(st.integers(-4 * 96, 4 * 96)) * QUARTER + draw(st.sampled_from((0, 0, 1, -1, 451)))
    microseconds = draw(st.sampled_from((0, 0, 1, -1, 999_600)))
    return draw(st.sampled_from(CHANGES)) + timedelta(seconds=seconds, microseconds=microseconds)


visits = st.fixed_dictionaries(
    {
        # None stands for a click that lacks its derived fields yet.
        # An empty one is the same as the page.
        "landing_page": st.sampled_from(PAGES[1:5]),
        "page_url": st.sampled_from((None, "https://yoursite.com/a", "https://yoursite.com/b")),
        "referrer_url": st.sampled_from(PAGES),
        "country": st.sampled_from((None, "DE", "US")),
        "device_type": st.sampled_from((None, "mobile")),
        "browser": st.sampled_from((None, "Firefox", "firefox")),
        "utm_campaign": st.sampled_from((None, "spring", "Frühling")),
        "sub1": st.sampled_from((None, "", "a")),
        "is_bot": st.booleans(),
    }
)
clicks = st.builds(lambda at, link, visit: (at, link, visit), moments(), st.integers(1, 5), visits)
batches = st.lists(st.lists(clicks, min_size=1, max_size=6), min_size=1, max_size=4)
ids = st.none() | st.lists(st.integers(1, 6), max_size=3).map(tuple)
requests = st.builds(
    lambda ends, zone, chosen, series, tops: ReportRequest(
        min(ends), max(ends), zone, chosen, series=series, tops=tops
    ),
    st.tuples(moments(), moments()).filter(lambda ends: timedelta() < abs(ends[1] - ends[0]) < timedelta(days=200)),
    st.sampled_from(ZONES),
    st.builds(ReportFilter, ids, ids, ids, st.none() | st.booleans()),
    st.lists(st.sampled_from(Interval), max_size=2, unique=True).map(tuple),
    st.lists(st.builds(Top, st.sampled_from(RANKED), st.integers(1, 3)), max_size=3, unique=True).map(tuple),
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    yield world
    await world.close()


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.slow
def test_a_report_equals_a_recount_of_the_events(runner: asyncio.Runner, database_url: str) -> None:
    world = runner.run(World.make(database_url))

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        batches=batches,
        runs=st.lists(st.integers(0, 2), min_size=4, max_size=4),
        asked=st.lists(st.tuples(requests, st.sampled_from(VIEWERS)), min_size=1, max_size=4),
    )
    def check(batches: Any, runs: Sequence[int], asked: Sequence[tuple[ReportRequest, Viewer]]) -> None:
        runner.run(world.forget())
        runner.run(record(world, batches, runs))
        events = runner.run(world.events())
        for request, viewer in asked:
            runner.run(compare(world, request, viewer, events))
        assert not runner.run(audit(world.store)).differences

    check()
    runner.run(world.close())


async def record(world: World, batches: Sequence[Sequence[Any]], runs: Sequence[int]) -> None:
    """Record batches of clicks; after each, so many runners aggregate a small portion at once. Every third click is
    from somebody who came before."""
    known: list[str] = []
    runners = [world.aggregation(portion_events=2), world.aggregation(portion_events=3)]
    for batch, aggregate in zip(batches, runs, strict=False):
        made: list[Click] = []
        for number, (at, link, visit) in enumerate(batch):
            existing = known[number % len(known)] if known and number % 3 == 0 else None
            made.append(click(at, link, existing_click_id=existing, **visit))
        known += [receipt.click_id for receipt in await world.click(*made)]
        await asyncio.gather(*(runner.run_once() for runner in runners[:aggregate]))
    for runner in runners:
        await runner.close()


async def compare(world: World, request: ReportRequest, viewer: Viewer, stored: Sequence[Event]) -> None:
    """Assert that a report says what a recount does."""
    report = await world.report(request, viewer)
    events = [
        event
        for event in stored
        if request.start <= event["occurred_at"] < request.end and chosen(event, viewer, request.filter)
    ]
    assert report.totals == counted(events)
    assert report.data_as_of > datetime.now(UTC) - timedelta(minutes=1)
    for interval, buckets in report.series.items():
        assert_adjoining(buckets, request)
        for bucket in buckets:
            inside = [event for event in events if bucket.start <= event["occurred_at"] < bucket.end]
            assert bucket.counts == counted(inside)
            for event in inside:
                local = event["occurred_at"].astimezone(ZoneInfo(request.timezone))
                assert label(interval, local) == label(interval, bucket.start)
    for top, shares in report.tops.items():
        assert [(share.value, share.counts) for share in shares] == ranked(events, top)


def assert_adjoining(buckets: Sequence[Bucket], request: ReportRequest) -> None:
    assert buckets[0].start.astimezone(UTC) == request.start
    assert buckets[-1].end.astimezone(UTC) == request.end
    for earlier, later in pairwise(buckets):
        assert earlier.start.astimezone(UTC) < earlier.end.astimezone(UTC) == later.start.astimezone(UTC)


def label(interval: Interval, local: datetime) -> Any:
    """Return what a calendar calls a bucket."""
    match interval:
        case Interval.HOUR:
            return local.date(), local.hour
        case Interval.DAY:
            return local.date()
        case Interval.WEEK:
            return local.isocalendar()[:2]
        case Interval.MONTH:
            return local.year, local.month


BERLIN = ZoneInfo("Europe/Berlin")
DAY = ReportRequest(datetime(2026, 10, 25, tzinfo=BERLIN), datetime(2026, 10, 26, tzinfo=BERLIN), "Europe/Berlin")


@pytest.mark.slow
@pytest.mark.parametrize("aggregate", [True, False])
async def test_each_hour_of_a_25_hour_day_has_its_click(world: World, aggregate: bool) -> None:
    start = DAY.start.astimezone(UTC)
    await world.click(*(click(start + timedelta(hours=hour)) for hour in range(-1, 26)))
    if aggregate:
        await world.aggregate()
    report = await world.report(replace(DAY, series=(Interval.HOUR, Interval.DAY)))
    assert report.totals == Counts(25, 0, 25)
    assert [bucket.counts.clicks for bucket in report.series[Interval.HOUR]] == [1] * 25
    assert [bucket.start.isoformat()[11:] for bucket in report.series[Interval.HOUR]][1:5] == [
        "01:00:00+02:00",
        "02:00:00+02:00",
        "02:00:00+01:00",
        "03:00:00+01:00",
    ]
    assert [bucket.counts.clicks for bucket in report.series[Interval.DAY]] == [25]


async def test_clicks_folded_during_a_report_are_counted_once(world: World) -> None:
    await world.click(*(click(DAY.start, link) for link in (1, 2, 3, 4, 5) * 40))
    runner = world.aggregation(portion_events=1)
    folding = asyncio.create_task(runner.run_all())
    while not folding.done():
        for viewer, clicks in ((ADMIN, 200), (VIEWERS[1], 120), (VIEWERS[4], 40)):
            report = await world.report(DAY, viewer)
            assert report.totals is not None
            assert report.totals.clicks == clicks
    await folding
    await runner.close()


async def test_the_number_of_statements_does_not_grow_with_the_period(world: World) -> None:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    events_of.listen(world.store.database.engine.sync_engine, "before_cursor_execute", note)
    asked = replace(DAY, series=(Interval.HOUR,), tops=(Top(Dimension.LANDING_PAGE), Top(Dimension.LINK)))
    await world.report(asked)
    day = len(statements)
    await world.report(replace(asked, start=asked.start - timedelta(days=200)))
    assert len(statements) == 2 * day
    assert day <= 5  # the four parts, and a setting on PostgreSQL


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("to", {"end": DAY.start - timedelta(microseconds=1)}),
        ("to", {"end": DAY.start + timedelta(days=20 * 366)}),
        ("from", {"start": datetime(2026, 10, 25)}),
        ("from", {"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}),
        ("to", {"end": datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))}),
        ("interval", {"end": DAY.start + timedelta(hours=5001), "series": (Interval.HOUR,)}),
        ("program_ids", {"filter": ReportFilter(program_ids=tuple(range(101)))}),
        ("partner_ids", {"filter": ReportFilter(partner_ids=tuple(range(101)))}),
        ("link_ids", {"filter": ReportFilter(link_ids=tuple(range(101)))}),
        ("limit", {"tops": (Top(Dimension.LANDING_PAGE, 0),)}),
        ("limit", {"tops": (Top(Dimension.LANDING_PAGE, 101),)}),
    ],
)
def test_an_invalid_request_names_the_field(field: str, change: dict[str, Any]) -> None:
    with pytest.raises(FieldInvalid) as refused:
        check(replace(DAY, **change))
    assert refused.value.field == field


@pytest.mark.slow
async def test_the_largest_report_is_answered(world: World) -> None:
    await world.click(click(DAY.start))
    start = datetime(2026, 10, 1, tzinfo=UTC)
    hours = replace(DAY, start=start, end=start + timedelta(hours=5000), series=(Interval.HOUR,))
    assert len((await world.report(hours)).series[Interval.HOUR]) == 5000
    ids = tuple(range(1, 101))
    years = replace(
        hours, end=start.replace(year=start.year + 20), series=(Interval.DAY,), tops=(Top(Dimension.LANDING_PAGE, 100),)
    )
    for zone in ("UTC", "Europe/Berlin", "Asia/Kathmandu"):
        report = await world.report(replace(years, timezone=zone, filter=ReportFilter(ids, ids, ids)))
        assert len(report.series[Interval.DAY]) == 20 * 365 + 5 + (zone != "UTC")
        assert sum(bucket.counts.clicks for bucket in report.series[Interval.DAY]) == 1
        assert report.totals == Counts(1, 0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("aggregate", [True, False])
@pytest.mark.parametrize("at", [DAY.start, DAY.start + timedelta(seconds=1)])
async def test_an_empty_period_has_no_clicks(world: World, at: datetime, aggregate: bool) -> None:
    await world.click(click(DAY.start), click(at))
    if aggregate:
        await world.aggregate()
    for asked in (DAY, replace(DAY, filter=ReportFilter(link_ids=(1,)))):
        for viewer in VIEWERS:
            report = await world.report(
                replace(
                    asked,
                    start=at,
                    end=at,
                    series=tuple(Interval),
                    tops=(Top(Dimension.LANDING_PAGE), Top(Dimension.LINK)),
                ),
                viewer,
            )
            assert report.totals == Counts()
            assert report.series == {interval: [] for interval in Interval}
            assert not any(report.tops.values())


@pytest.mark.slow
async def test_ids_larger_than_any_row_match_no_clicks(world: World) -> None:
    await world.click(click(DAY.start))
    ids = (2**63 - 1,)
    for chosen_ids in (ReportFilter(program_ids=ids), ReportFilter(partner_ids=ids), ReportFilter(link_ids=ids)):
        report = await world.report(replace(DAY, filter=chosen_ids, tops=(Top(Dimension.LINK),)))
        assert report.totals == Counts()
        assert not report.tops[Top(Dimension.LINK)]


async def test_equal_programs_partners_and_links_are_ranked_by_their_ids_whatever_their_names(world: World) -> None:
    async with world.store.write() as connection:
        await connection.execute(update(Program).values(name=cast(100 - Program.id, String)))
        await connection.execute(update(Partner).values(name=cast(100 - Partner.id, String)))
    await world.click(*(click(DAY.start, link) for link in (5, 1)))
    tops = tuple(Top(by) for by in (Dimension.PROGRAM, Dimension.PARTNER, Dimension.LINK))
    report = await world.report(replace(DAY, tops=tops))
    assert [[share.value for share in report.tops[top]] for top in tops] == [["1", "2"], ["1", "3"], ["1", "5"]]


async def test_a_report_requires_a_token(world: World) -> None:
    with pytest.raises(Unauthenticated):
        await reader.read(structs.replace(world.context, viewer=None), DAY)
