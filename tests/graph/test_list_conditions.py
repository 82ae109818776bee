"""Lists of clicks with conditions on dimensions have the clicks that a report with the same conditions counts."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from db.segments.columns import DIMENSIONS
from db.segments.questions import HasPrefix, In, IsKnown
from graph.domain.scope import Viewer
from graph.query import rows
from graph.query.page_values import GivenFilter, condition_forms, filter_names, page_values
from graph.query.plan import Field, PageInfoFields, PagePlan, RowPlan, Table, TotalCount
from graph.reports.requests import ReportFilter, ReportRequest
from tests.graph.test_reports import PAGES, VIEWERS, ZONES, moments, runner, visits
from tests.support.breakdowns import meets
from tests.support.report_world import Event, World, chosen, click

__all__ = ("runner",)

PAGE = 3
INFO = PageInfoFields("pageInfo", (Field("hasNextPage", "has_next_page"), Field("endCursor", "end_cursor")))
PARTS = (Table("rows", RowPlan("ClickEvent", (Field("id", "database_id"),))), INFO, TotalCount("total"))
TEXTS = tuple(column.name for column in DIMENSIONS)
USED = ("landing_page", "referrer", "country", "device_type", "browser", "utm_campaign", "sub1")
VALUES = (*filter(None, PAGES), "x" * 512, "DE", "mobile", "Firefox", "firefox", "spring", "a", "")
PREFIXES = ("F", "Fr", "fire", "https://", "https://yoursite.com/a", "x" * 513, "")
texts = st.sampled_from(USED) | st.sampled_from(TEXTS)
dimensions = texts | st.sampled_from(("program", "partner", "link", "hour_of_day", "day_of_week"))
conditions = st.one_of(
    st.builds(In, texts, st.frozensets(st.sampled_from(VALUES), max_size=3), st.booleans()),
    st.builds(In, st.sampled_from(("program", "partner", "link")), st.frozensets(st.integers(1, 6)), st.booleans()),
    st.builds(In, st.just("hour_of_day"), st.frozensets(st.integers(0, 23)), st.booleans()),
    st.builds(In, st.just("day_of_week"), st.frozensets(st.integers(0, 6)), st.booleans()),
    st.builds(
        HasPrefix, texts, st.sampled_from(("F", "Fr", "fire", "https://", "https://yoursite.com/a", "x" * 513, ""))
    ),
    st.builds(IsKnown, dimensions, st.booleans()),
)
asked = st.tuples(
    st.tuples(moments(), moments()).filter(lambda ends: timedelta() < abs(ends[1] - ends[0]) < timedelta(days=6000)),
    st.sampled_from(ZONES),
    st.lists(conditions, max_size=3).map(tuple),
    st.sampled_from(VIEWERS),
    st.booleans(),
)
clicks = st.lists(st.tuples(moments(), st.integers(1, 5), visits), min_size=1, max_size=12)


@pytest.mark.slow
def test_a_list_has_the_clicks_that_a_report_counts(runner: asyncio.Runner, database_url: str) -> None:
    world = runner.run(World.make(database_url))

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(made=clicks, questions=st.lists(asked, min_size=1, max_size=6))
    def check(made: Sequence[Any], questions: Sequence[Any]) -> None:
        runner.run(world.forget())
        runner.run(world.click(*(click(at, link, **visit) for at, link, visit in made)))
        events = runner.run(world.events())
        for ends, zone, where, viewer, is_descending in questions:
            request = ReportRequest(min(ends), max(ends), zone, ReportFilter(where=where))
            runner.run(compare(world, events, request, viewer, is_descending=is_descending))

    check()
    runner.run(world.close())


async def compare(
    world: World, events: Sequence[Event], request: ReportRequest, viewer: Viewer, *, is_descending: bool
) -> None:
    """Assert that a report counts what all pages of a list have together, and that both equal a recount."""
    where = request.filter.where
    expected = sorted(
        (event["occurred_at"], event["id"], event["program_id"])
        for event in events
        if request.start <= event["occurred_at"] < request.end
        and chosen(event, viewer, request.filter)
        and meets(event, where, request.timezone)
    )
    filters = {
        "occurred_from": GivenFilter("occurredFrom", request.start),
        "occurred_to": GivenFilter("occurredTo", request.end),
        "where": GivenFilter("where", where),
        "timezone": GivenFilter("timezone", request.timezone),
    }
    listed, total = await pages(world, viewer, filters, is_descending=is_descending)
    ids = [id for _, id, _ in expected]
    assert listed == (ids[::-1] if is_descending else ids)
    report = await world.report(request, viewer)
    assert report.totals is not None
    assert report.totals.clicks == total == len(expected)


async def pages(
    world: World, viewer: Viewer, filters: Mapping[str, GivenFilter], *, is_descending: bool
) -> tuple[list[int], int]:
    """Return the ids on all pages of a list, and its total."""
    context = structs.replace(world.context, viewer=viewer)
    found: list[int] = []
    cursors: dict[str, str] = {}
    while True:
        plan = PagePlan(
            number=0,
            entity="ClickEvent",
            order="occurred_at",
            descending=is_descending,
            filters=filter_names(filters),
            conditions=condition_forms(filters),
            bounds=tuple(cursors),
            backwards=False,
            parts=PARTS,
        )
        page: Any = await rows.page(context, plan, page_values(plan, PAGE, filters, cursors))
        found += page["rows"].columns(0, len(page["rows"]))[0]
        if not page["pageInfo"]["hasNextPage"]:
            return found, page["total"]
        cursors = {"after": page["pageInfo"]["endCursor"]}
