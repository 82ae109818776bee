"""Old months of clicks can be dropped on PostgreSQL: reports, counters and the audit stay right, and gateways go on."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, insert, select, text, update

from db.audit.report import audit
from db.engine import patience
from db.engine.store import Store
from db.errors import ClicksNeeded
from db.ingest.clicks.records import Receipt
from db.outbox.consumers import rewind_consumer
from db.outbox.runner import ConsumerRunner
from db.partitions.months import Month
from db.partitions.statements import CLICKS
from db.retention import dropping
from db.retention.dropping import Dropped, drop_before
from db.retention.rollups import keep_rollups
from db.schema.clicks import ClickEvent
from db.schema.commissions import CommissionRule
from db.schema.customers import Customer
from db.schema.declarative_base import Base
from db.schema.links import ReferralLink
from db.schema.programs import Program
from db.schema.segments import ReportSegment
from gateway.consumers import consumers
from graph.domain.derived_fields import derived_fields
from graph.reports.calendars import Interval
from graph.reports.dimensions import Dimension
from graph.reports.requests import BreakdownRequest, ClickReport, ReportRequest
from tests.support.click_ids import this_month
from tests.support.click_months import begin_in, go_to
from tests.support.conversion_world import sale
from tests.support.databases import MAKERS, WITH_PARTITIONS, MakeDatabase
from tests.support.report_world import World, click

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = (this_month().later(-months) for months in (10, 9, 8))
NOW = datetime.now(UTC)
BY_LINK = BreakdownRequest((Dimension.LINK,), with_visitors=True)
EVERYTHING = ReportRequest(
    datetime(2020, 1, 1, tzinfo=UTC),
    NOW + timedelta(days=2),
    series=(Interval.MONTH,),
    conversion_totals=True,
    breakdowns=(BY_LINK, BreakdownRequest((Dimension.COUNTRY, "browser"), interval=Interval.MONTH)),
)


def middle_of(month: Month) -> datetime:
    return datetime(month.year, month.number, 15, 12, tzinfo=UTC)


async def record(world: World, month: Month, *, at: datetime | None = None) -> list[Receipt]:
    """Record a click of each link in a month, and a second one of the first customer."""
    await world.committer.disconnect()
    await go_to(world.store, month)
    at = at or middle_of(month)
    clicks = [click(at, link, country="DE", browser=f"browser {link}") for link in (1, 2, 3, 4, 5)]
    receipts = await world.click(*clicks, click(at, 2, is_bot=True))
    again = click(at + timedelta(minutes=20), 3, existing_click_id=receipts[0].click_id)
    return [*receipts, *await world.click(again)]


async def process(world: World, *, trims: bool = True) -> None:
    """Run all consumers; with `trims`, until the log is empty, as it is an hour later."""
    await world.committer.disconnect()
    later = timedelta(hours=1 if trims else 0)
    for consumer in (*consumers(world.store), *consumers(world.store)):
        runner = ConsumerRunner(world.store, consumer, clock=lambda: datetime.now(UTC) + later)
        await runner.run_all()
        await runner.close()


async def rewound(world: World) -> None:
    """Have all consumers begin from the beginning."""
    for consumer in consumers(world.store):
        await rewind_consumer(world.store, consumer)


async def report(world: World) -> ClickReport:
    found = await world.report(EVERYTHING)
    return ClickReport(NOW, found.totals, found.series, found.tops, found.breakdowns)


async def differences(world: World) -> list[str]:
    found = await audit(world.store, derived_fields)
    return [f"{each.counter}: {each.counted} / {each.events}" for each in found.differences]


async def clicks_of(world: World) -> list[tuple[Any, ...]]:
    async with world.store.read() as connection:
        found = select(ClickEvent.program_id, ClickEvent.id).order_by(ClickEvent.program_id, ClickEvent.id)
        return [tuple(row) for row in await connection.execute(found)]


async def partitions(world: World) -> list[str]:
    async with world.store.read() as connection:
        tables = "SELECT tablename FROM pg_tables WHERE tablename ~ :pattern ORDER BY 1"
        return list(await connection.scalars(text(tables), {"pattern": f"^{CLICKS}_"}))


@pytest.fixture(params=WITH_PARTITIONS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    world = await World.make(make())
    await begin_in(world.store, FIRST)
    yield world
    await world.close()


async def test_what_counts_dropped_clicks_goes_on_counting_them(world: World) -> None:
    await record(world, FIRST)
    await record(world, SECOND)
    boundary = datetime(THIRD.year, THIRD.number, 1, tzinfo=UTC)
    await record(world, SECOND.later(0), at=boundary - timedelta(minutes=10))  # its second click is of the next day
    await record(world, THIRD, at=boundary - timedelta(seconds=1))  # of a gateway whose clock is late
    await record(world, this_month(), at=NOW)
    await process(world)
    before = await report(world)
    assert await differences(world) == []
    assert await drop_before(world.store, SECOND, NOW) == Dropped([f"{CLICKS}_older", *_names(FIRST)], 7, 0, _any)
    assert (await report(world), await differences(world)) == (before, [])
    done = await drop_before(world.store, THIRD, NOW)
    assert (done.clicks, done.kept) == (14, 0)
    assert len(await clicks_of(world)) == 14
    assert (await report(world), await differences(world)) == (before, [])
    names = await partitions(world)
    assert f"{CLICKS}_before_{THIRD.year}_{THIRD.number:02}" in names
    assert not {*_names(FIRST), *_names(SECOND), f"{CLICKS}_older"} & {*names}


async def test_what_is_derived_can_be_made_again_after_a_drop(world: World) -> None:
    boundary = datetime(SECOND.year, SECOND.number, 1, tzinfo=UTC)
    await record(world, FIRST)
    await record(world, FIRST, at=boundary + timedelta(minutes=5))
    await record(world, SECOND, at=boundary + timedelta(minutes=10))
    await record(world, this_month(), at=NOW)
    await process(world)
    before = await report(world)
    await drop_before(world.store, SECOND, NOW)
    await rewound(world)
    assert await differences(world) == []
    await process(world)
    assert (await report(world), await differences(world)) == (before, [])
    await record(world, this_month(), at=NOW)
    await process(world)
    await drop_before(world.store, THIRD, NOW)
    after = await report(world)
    await rewound(world)
    await process(world)
    assert (await report(world), await differences(world)) == (after, [])
    assert len(await clicks_of(world)) == 14


async def test_clicks_that_conversions_belong_to_stay(world: World) -> None:
    async with world.store.write() as connection:
        await connection.execute(update(Program).values(cookie_window_days=60))
        rule = {"event": "sale", "kind": "percent", "basis_points": 1000, "effective_from": middle_of(FIRST)}
        await connection.execute(insert(CommissionRule).values(program_id=1, **rule))
    receipts = await record(world, FIRST)
    buyer = receipts[1].click_id
    await world.committer.commit([sale("t1", click_id=buyer, at=middle_of(FIRST) + timedelta(days=5))])
    await record(world, SECOND)
    await process(world)
    before = await report(world)
    done = await drop_before(world.store, THIRD, NOW)
    assert (done.clicks, done.kept) == (13, 1)
    assert len(await clicks_of(world)) == 1
    assert (await report(world), await differences(world)) == (before, [])
    # The customer is bound, so another sale is credited although the click is old.
    (again,) = await world.committer.commit([sale("t2", 500, click_id=buyer, at=NOW, is_recurring=True)])
    assert not isinstance(again, Exception)
    await rewound(world)
    await process(world)
    after = await report(world)
    assert after.totals is not None
    assert before.totals is not None
    assert (after.totals.sales, after.totals.clicks) == (2, before.totals.clicks)
    assert await differences(world) == []
    assert (await drop_before(world.store, THIRD, NOW)).partitions == ()
    assert (await drop_before(world.store, THIRD.later(1), NOW)).kept == 1
    assert (await report(world), await differences(world)) == (after, [])


async def test_clicks_are_recorded_while_old_ones_are_dropped_beside_a_long_report(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.01)
    await record(world, FIRST)
    await process(world)
    await world.committer.disconnect()
    await go_to(world.store, this_month())
    stopped = asyncio.Event()

    async def go_on() -> int:
        recorded = 0
        while not stopped.is_set():
            recorded += len(await world.click(click(datetime.now(UTC), event_id=str(recorded))))
        return recorded

    recording = asyncio.create_task(go_on())
    other = Store(world.store.url.render_as_string(hide_password=False))
    async with other.read() as reader:
        await reader.execute(select(ClickEvent.id).limit(1))
        drop = asyncio.create_task(drop_before(world.store, SECOND, NOW))
        await asyncio.sleep(1.5)
        assert not drop.done()
    assert (await drop).clicks == 7
    await asyncio.sleep(0.2)
    stopped.set()
    recorded = await recording
    assert len(await clicks_of(world)) == recorded > 0
    await other.close()
    assert await differences(world) == []


async def test_segments_that_are_made_anew_meanwhile_are_not_lost(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(world, FIRST)
    await record(world, this_month(), at=NOW)
    await process(world)
    before = await report(world)
    take_locks, rewinding = dropping._lock_out, list[asyncio.Task[None]]()

    async def lock_out(*arguments: Any) -> None:
        await take_locks(*arguments)
        rewinding.append(asyncio.create_task(rewound(world)))
        await asyncio.sleep(0.5)
        assert not rewinding[0].done()

    monkeypatch.setattr(dropping, "_lock_out", lock_out)
    assert (await drop_before(world.store, SECOND, NOW)).clicks == 7
    await rewinding[0]
    await process(world)
    assert (await report(world), await differences(world)) == (before, [])


async def test_a_consumer_that_was_rewound_before_keeps_the_clicks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(world, FIRST)
    await process(world)
    count = keep_rollups

    async def rewind_first(*arguments: Any) -> None:
        await rewound(world)
        await count(*arguments)

    monkeypatch.setattr(dropping, "keep_rollups", rewind_first)
    with pytest.raises(ClicksNeeded, match="yet to be processed"):
        await drop_before(world.store, SECOND, NOW)
    assert len(await clicks_of(world)) == 7
    await process(world)
    assert await differences(world) == []


async def test_a_drop_that_dies_half_way_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await record(world, FIRST)
    await process(world)
    before, clicks = await report(world), await clicks_of(world)

    async def die(*_: object) -> None:
        raise KeyError("died")

    monkeypatch.setattr(dropping, "_lock_out", die)
    with pytest.raises(KeyError):
        await drop_before(world.store, SECOND, NOW)
    assert (await report(world), await clicks_of(world), await differences(world)) == (before, clicks, [])
    monkeypatch.undo()
    assert (await drop_before(world.store, SECOND, NOW)).clicks == 7
    assert (await report(world), await differences(world)) == (before, [])


async def test_a_damaged_segment_of_dropped_clicks_is_never_answered_from(world: World) -> None:
    await record(world, FIRST)
    await record(world, this_month(), at=NOW)
    await process(world)
    await drop_before(world.store, SECOND, NOW)
    async with world.store.write() as connection:
        old = update(ReportSegment).where(ReportSegment.month == FIRST.first_id // 10**10)
        await connection.execute(old.values(data=b"nonsense"))
    for _ in range(2):
        with pytest.raises(Exception, match="checksum"):
            await report(world)
    assert "segment" in " ".join(await differences(world))


async def test_clicks_that_are_still_needed_are_not_dropped(world: World, make_sqlite: MakeDatabase) -> None:
    await record(world, FIRST)
    with pytest.raises(ClicksNeeded, match="have yet to be processed"):
        await drop_before(world.store, SECOND, NOW)
    await process(world)
    with pytest.raises(ClicksNeeded, match="count for up to 60 days"):
        await drop_before(world.store, this_month(), NOW)
    async with world.store.write() as connection:
        await connection.execute(update(Program).values(cookie_window_days=3650))
    with pytest.raises(ClicksNeeded, match="count for up to 3650 days"):
        await drop_before(world.store, SECOND, NOW)
    async with world.store.write() as connection:
        await connection.execute(update(Program).values(cookie_window_days=1))
    with pytest.raises(ClicksNeeded, match=f"it can be dropped before {FIRST.name}"):
        await drop_before(world.store, FIRST.later(-3), NOW)
    sqlite = Store(make_sqlite())
    with pytest.raises(ClicksNeeded, match="only PostgreSQL"):
        await drop_before(sqlite, SECOND, NOW)
    await sqlite.close()
    assert len(await clicks_of(world)) == 7


async def test_counters_and_customers_stay(world: World) -> None:
    await record(world, FIRST)
    await process(world)
    tables = (ReferralLink, Customer)
    async with world.store.read() as connection:
        before = [(await connection.execute(by_key(table))).all() for table in tables]
    await drop_before(world.store, SECOND, NOW)
    async with world.store.read() as connection:
        assert [(await connection.execute(by_key(table))).all() for table in tables] == before


def by_key(table: type[Base]) -> Select[Any]:
    """Select all rows in one order, which a cluster's nodes have none of together."""
    return select(table.__table__).order_by(*table.__table__.primary_key)


class _Any:
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


_any: Any = _Any()


def _names(month: Month) -> list[str]:
    return [f"{CLICKS}_{month.year}_{month.number:02}"]
