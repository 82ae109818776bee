"""What was recorded before a consumer was added is listed in the outbox a part at a time, and handed out once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from db.audit.report import audit
from db.engine.store import Store
from db.outbox import history
from db.outbox.conditions import CLICK
from db.outbox.consumers import add_consumer, list_consumers, remove_consumer, rewind_consumer
from db.outbox.event_ranges import RANGE_EVENTS
from db.outbox.history import HistoryLister, list_history
from db.outbox.runner import ConsumerRunner
from db.schema.clicks import ClickEvent
from db.schema.customers import Customer
from db.schema.outbox import OutboxHistory, OutboxRange
from db.segments.builder import SegmentBuilder
from graph.domain.errors import ReportTooLarge
from graph.reports.dimensions import Dimension
from graph.reports.requests import ReportRequest, Top
from tests.support.databases import MakeDatabase
from tests.support.report_world import World, click
from tests.support.tally import Tally, drop_table, make_table, recorded, tallied

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HISTORY = 3400
LINKS = ReportRequest(NOW, NOW + timedelta(days=1), totals=False, tops=(Top(Dimension.LINK),))


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PART_IDS", RANGE_EVENTS)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    await make_table(world.store)
    await remove_consumer(world.store, SegmentBuilder.name)
    for start in range(0, HISTORY, 500):
        await world.click(*(click(NOW, number % 5 + 1) for number in range(start, min(start + 500, HISTORY))))
    yield world
    await drop_table(world.store)
    await world.close()


def runner_of(store: Store) -> ConsumerRunner:
    return ConsumerRunner(store, Tally(store), clock=lambda: datetime.now(UTC))


async def parts_left(store: Store) -> int:
    """Return how many parts are yet to be listed for the tally."""
    left = select(func.sum(OutboxHistory.last_id - OutboxHistory.listed_to)).where(OutboxHistory.consumer == "tally")
    async with store.read() as connection:
        return -(-int(await connection.scalar(left) or 0) // RANGE_EVENTS)


async def test_events_that_are_recorded_meanwhile_count_once(world: World) -> None:
    await add_consumer(world.store, Tally(world.store))
    assert await parts_left(world.store) == 3
    runner = runner_of(world.store)
    for number in range(3):
        await world.click(*(click(NOW, link) for link in (1, 2, 4)))
        assert await runner.run_once()
        assert await tallied(world.store) == {}
        assert await parts_left(world.store) == 2 - number
    await world.click(click(NOW, 4))
    await runner.run_all()
    await runner.close()
    assert await tallied(world.store) == await recorded(world.store) == {1: 2046, 2: 1364}
    assert not (await audit(world.store)).differences


async def test_a_click_that_takes_an_old_id_meanwhile_counts_once(make_postgres: MakeDatabase) -> None:
    world = await World.make(make_postgres())
    await make_table(world.store)
    ids = {"program_id": 1, "partner_id": 1, "link_id": 1}

    async def record(store: Store, *numbers: int) -> AsyncExitStack:
        """Record clicks with these ids in a transaction that is still open."""
        stack = AsyncExitStack()
        connection = await stack.enter_async_context(store.write())
        for id in numbers:
            names = {"id": id, "click_id": f"cust_{id}_1"}
            await connection.execute(insert(Customer).values(last_click_at=NOW, **ids, **names))
            event = {"customer_id": id, "occurred_at": NOW, "affiliate_url": "https://yoursite.com/"}
            await connection.execute(insert(ClickEvent).values(**event, **ids, **names))
            row = {"kind": CLICK, "first_id": id, "last_id": id, "events": 1}
            await connection.execute(insert(OutboxRange).values(program_id=1, **row))
        return stack

    others = [Store(world.store.url.render_as_string(hide_password=False)) for _ in range(2)]
    early, late = [await record(store, id) for store, id in zip(others, (1500, 2501), strict=True)]
    await (await record(world.store, 10, 1499, 1501, 2500, 2502, 3000)).aclose()
    await add_consumer(world.store, Tally(world.store))
    await early.aclose()
    runner = runner_of(world.store)
    await runner.run_once()
    await (await record(world.store, 1502, 2000, 2503)).aclose()
    await runner.run_all()
    assert await tallied(world.store) == {1: 10}
    await late.aclose()
    await runner.run_all()
    await runner.close()
    assert await tallied(world.store) == await recorded(world.store) == {1: 11}
    for store in others:
        await store.close()
    await world.close()


async def test_a_part_that_dies_lists_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def die(*_: object) -> bool:
        raise KeyError("died")

    await add_consumer(world.store, Tally(world.store))
    runner = runner_of(world.store)
    monkeypatch.setattr(HistoryLister, "_write", die)
    with pytest.raises(KeyError):
        await runner.run_once()
    assert await parts_left(world.store) == 3
    monkeypatch.undo()
    await runner.run_all()
    await runner.close()
    assert await tallied(world.store) == await recorded(world.store)


async def test_a_part_that_was_found_before_a_rewind_is_not_listed(
    make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World.make(make_sqlite())
    await make_table(world.store)
    for _ in range(5):
        await world.click(*(click(NOW) for _ in range(500)))
    await add_consumer(world.store, Tally(world.store))
    read = HistoryLister._read

    async def read_and_rewind(*arguments: Any) -> Any:
        part = await read(*arguments)
        if part and part.is_last:
            monkeypatch.setattr(HistoryLister, "_read", read)
            await world.click(click(NOW))
            await rewind_consumer(world.store, Tally(world.store))
            await list_history(world.store, "tally", most_parts=1)
            assert await parts_left(world.store) == 1
        return part

    monkeypatch.setattr(HistoryLister, "_read", read_and_rewind)
    runner = runner_of(world.store)
    await runner.run_all()
    await runner.close()
    assert await tallied(world.store) == await recorded(world.store) == {1: 2501}
    await world.close()


async def test_several_processes_list_each_part_once(world: World) -> None:
    other = Store(world.store.url.render_as_string(hide_password=False))
    await add_consumer(world.store, Tally(world.store))
    runners = [runner_of(store) for store in (world.store, other)]
    await asyncio.gather(*(runner.run_all() for runner in runners))
    for runner in runners:
        await runner.close()
    assert await tallied(world.store) == await recorded(world.store)
    await other.close()


async def test_reports_are_refused_until_the_history_is_listed_and_exact_then(world: World) -> None:
    builder = SegmentBuilder(world.store)
    await add_consumer(world.store, builder)
    (state,) = [each for each in await list_consumers(world.store) if each.name == builder.name]
    assert HISTORY - state.unlisted_events in (RANGE_EVENTS, RANGE_EVENTS - 1)  # SQLite tells ids, from 0 on
    with pytest.raises(ReportTooLarge, match="yet to be prepared"):
        await world.report(LINKS)
    assert not (await audit(world.store)).differences
    assert (await world.report(ReportRequest(NOW, NOW + timedelta(days=1)))).totals
    runner = world.runner(builder)
    for _ in range(3):
        await runner.run_once()
    listed = await world.report(LINKS)
    await runner.run_all()
    await runner.close()
    assert (await world.report(LINKS)).tops == listed.tops
    assert [share.counts.people for share in listed.tops[LINKS.tops[0]]] == [HISTORY // 5] * 5
    assert not (await audit(world.store)).differences
