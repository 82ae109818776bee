"""Consumers of the outbox: added, stopped, restarted, rewound and removed, in any state of the database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, text

from db.audit.report import audit
from db.engine.store import Store
from db.errors import UnknownConsumer
from db.outbox.conditions import CLICK
from db.outbox.consumers import (
    ConsumerState,
    add_consumer,
    list_consumers,
    remove_consumer,
    rewind_consumer,
)
from db.outbox.event_ranges import RANGE_EVENTS
from db.outbox.runner import KEPT, ConsumerRunner
from db.outbox.statements import find_lot
from db.rollups.aggregator import RollupAggregator
from db.schema.clicks import ClickEvent
from db.schema.customers import Customer
from db.schema.outbox import OutboxGap, OutboxRange
from gateway.consumers import NAMES, consumers
from tests.support.databases import MakeDatabase
from tests.support.processes import clickgate
from tests.support.report_world import World, click
from tests.support.tally import Tally, drop_table, make_table, recorded, tallied

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    await make_table(world.store)
    yield world
    await drop_table(world.store)
    await world.close()


async def state(store: Store, name: str) -> ConsumerState:
    (found,) = [state for state in await list_consumers(store) if state.name == name]
    return found


async def run(store: Store, consumer: Tally | None = None, *, later: timedelta = timedelta()) -> Tally:
    """Run a consumer until nothing is left to do, by a clock that may be ahead; return it."""
    consumer = consumer or Tally(store)
    runner = ConsumerRunner(store, consumer, clock=lambda: datetime.now(UTC) + later, portion_events=3)
    await runner.run_all()
    await runner.close()
    return consumer


async def aggregate(store: Store) -> None:
    """Run a gateway's own consumers, once the outbox need not keep anything for live feeds."""
    for consumer in consumers(store):
        runner = ConsumerRunner(store, consumer, clock=lambda: datetime.now(UTC) + KEPT + timedelta(seconds=1))
        await runner.run_all()
        await runner.close()


async def log_size(store: Store) -> int:
    async with store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(OutboxRange)) or 0


@pytest.mark.slow
async def test_an_added_consumer_begins_with_the_first_event(world: World) -> None:
    for link in (1, 2, 4, 5, 3):
        await world.click(click(NOW, link), click(NOW, link))
    await aggregate(world.store)
    assert await log_size(world.store) == 0
    await world.click(click(NOW, 1))
    await add_consumer(world.store, Tally(world.store))
    await world.click(click(NOW, 4))
    await run(world.store)
    assert await tallied(world.store) == await recorded(world.store) == {1: 7, 2: 5}
    await add_consumer(world.store, Tally(world.store))
    assert not (await run(world.store)).ranges, "it was there already"


@pytest.mark.slow
async def test_an_added_consumer_is_given_every_event_in_ranges_without_missing_ids(world: World) -> None:
    for _ in range(5):
        await world.click(*(click(NOW, at % 5 + 1) for at in range(1000)))
    missing = (1500, 3200, 3201, 4999)
    async with world.store.write() as connection:
        await connection.execute(delete(ClickEvent).where(ClickEvent.id.in_(missing)))
    await add_consumer(world.store, Tally(world.store))
    async with world.store.read() as connection:
        found = (await connection.execute(select(ClickEvent.program_id, ClickEvent.id))).all()
        ranges = (await connection.execute(select(OutboxRange.__table__).where(OutboxRange.consumer == "tally"))).all()
    covered = []
    for each in ranges:
        events = [(program, id) for program, id in found if program == each.program_id]
        inside = [event for event in events if each.first_id <= event[1] <= each.last_id]
        assert len(inside) == each.events <= 2 * RANGE_EVENTS
        assert not [id for id in missing if each.first_id <= id <= each.last_id]
        covered += inside
    assert sorted(covered) == sorted(found)
    assert len(ranges) < 20, "few events each would be as many rows as events"
    await run(world.store)
    assert await tallied(world.store) == await recorded(world.store)


async def test_a_lot_is_so_many_events_or_one_that_has_waited(world: World) -> None:
    consumer = Tally(world.store)
    await add_consumer(world.store, consumer)

    async def is_lot(events: int, waiting_since: datetime) -> bool:
        found = await world.store.fetch(find_lot(consumer.name, events), {"waiting_since": waiting_since})
        return bool(found)

    long_ago, soon = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (-5, 5))
    assert not await is_lot(1, soon)
    await world.click(click(NOW), click(NOW, 4))
    await world.click(click(NOW))
    assert await is_lot(3, long_ago)
    assert not await is_lot(4, long_ago)
    assert await is_lot(4, soon)
    await run(world.store, consumer)
    assert not await is_lot(1, soon)


@pytest.mark.slow
async def test_a_stopped_consumer_keeps_its_rows_and_goes_on_where_it_was(world: World) -> None:
    await add_consumer(world.store, Tally(world.store))
    await world.click(click(NOW, 1), click(NOW, 4))
    await run(world.store)
    later = KEPT + timedelta(seconds=1)
    for _ in range(3):
        await world.click(click(NOW, 1), click(NOW, 4))
        await aggregate(world.store)
    assert await log_size(world.store) == 6
    stopped = await state(world.store, "tally")
    assert (stopped.waiting_rows, stopped.waiting_events) == (6, 6)
    assert stopped.oldest_at is not None
    again = await run(world.store, later=later)
    assert len(again.ranges) == 6
    assert await tallied(world.store) == {1: 4, 2: 4}
    assert await log_size(world.store) == 0
    assert (await state(world.store, "tally")).oldest_at is None


@pytest.mark.slow
async def test_a_rewound_consumer_starts_with_the_first_event_and_others_do_not(world: World) -> None:
    await add_consumer(world.store, Tally(world.store))
    for link in (1, 2, 4):
        await world.click(click(NOW, link), click(NOW, link))
    await world.aggregate()
    await run(world.store, later=KEPT + timedelta(seconds=1))
    await world.click(click(NOW, 1))  # waits, and is not to be counted twice
    for _ in range(2):
        await rewind_consumer(world.store, Tally(world.store))
        assert await tallied(world.store) == {}
        await run(world.store)
        assert await tallied(world.store) == await recorded(world.store) == {1: 5, 2: 2}
    await world.aggregate()
    assert not (await audit(world.store)).differences


@pytest.mark.slow
async def test_rewound_rollups_are_exact_at_once_and_afterwards(world: World) -> None:
    for link in (1, 2, 3, 4, 5):
        await world.click(click(NOW, link), click(NOW, link, is_bot=True))
    await world.aggregate()
    await world.click(click(NOW, 1))
    await rewind_consumer(world.store, RollupAggregator(world.store))
    assert (await state(world.store, "rollups")).waiting_events == 11
    assert not (await audit(world.store)).differences
    await world.click(click(NOW, 5))
    assert not (await audit(world.store)).differences
    await world.aggregate()
    assert not (await audit(world.store)).differences


@pytest.mark.slow
async def test_a_removed_consumer_keeps_no_rows(world: World) -> None:
    await add_consumer(world.store, Tally(world.store))
    await world.click(click(NOW, 1))
    await rewind_consumer(world.store, Tally(world.store))
    await remove_consumer(world.store, "tally")
    assert [state.name for state in await list_consumers(world.store)] == sorted(NAMES)
    assert not (await run(world.store)).ranges
    await aggregate(world.store)
    assert await log_size(world.store) == 0
    with pytest.raises(UnknownConsumer):
        await remove_consumer(world.store, "tally")
    with pytest.raises(UnknownConsumer):
        await rewind_consumer(world.store, Tally(world.store))


async def test_a_rewind_beside_a_late_commit_counts_it_once(make_postgres: MakeDatabase) -> None:
    world = await World.make(make_postgres())
    store = Store(world.store.url.render_as_string(hide_password=False))
    await make_table(world.store)
    await add_consumer(world.store, Tally(world.store))
    ids = {"program_id": 1, "partner_id": 1, "link_id": 1, "click_id": "cust_900_1"}
    event = {"id": 900, "customer_id": 900, "occurred_at": NOW, "affiliate_url": "https://yoursite.com/"}
    async with store.write() as late:
        await late.execute(insert(Customer).values(id=900, last_click_at=NOW, **ids))
        await late.execute(insert(ClickEvent).values(**event, **ids))
        await late.execute(insert(OutboxRange).values(program_id=1, kind=CLICK, first_id=900, last_id=900, events=1))
        await world.click(click(NOW))
        await run(world.store)
        assert await tallied(world.store) == {1: 1}
        for _ in range(2):
            await rewind_consumer(world.store, Tally(world.store))
            await run(world.store)
            assert await tallied(world.store) == {1: 1}
        behind = await state(world.store, "tally")
        async with world.store.read() as connection:
            assert await connection.scalar(select(func.count()).select_from(OutboxGap))
    await run(world.store)
    assert await tallied(world.store) == await recorded(world.store) == {1: 2}
    await world.click(click(NOW))
    await run(world.store)
    async with world.store.read() as connection:
        gaps = select(func.count()).select_from(OutboxGap).where(OutboxGap.consumer == "tally")
        assert await connection.scalar(gaps) == 0
    assert (await state(world.store, "tally")).position > behind.position
    await store.close()
    await world.close()


async def test_rows_that_were_rolled_back_are_not_waited_for(make_postgres: MakeDatabase) -> None:
    world = await World.make(make_postgres())
    for _ in range(3):
        async with world.store.write() as connection:
            await connection.execute(text("SELECT nextval('outbox_ranges_id_seq')"))
        await world.click(click(NOW))
        await world.aggregate()
    async with world.store.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(OutboxGap)) == 0
    assert (await state(world.store, "rollups")).waiting_rows == 0
    await world.close()


@pytest.mark.slow
async def test_the_command_lists_rewinds_and_removes_consumers(world: World) -> None:
    url = world.store.url.render_as_string(hide_password=False)
    await add_consumer(world.store, Tally(world.store))
    await world.click(click(NOW, 1))
    await world.aggregate()
    listed = clickgate(url, "outbox", "list")
    assert '"name": "tally"' in listed.stdout, listed.stderr
    assert clickgate(url, "outbox", "rewind", "rollups").returncode == 0
    assert (await state(world.store, "rollups")).waiting_events == 1
    refused = clickgate(url, "outbox", "remove", "rollups")
    assert (refused.returncode, "every gateway" in refused.stderr) == (2, True)
    assert clickgate(url, "outbox", "rewind", "nobody").returncode == 2
    assert clickgate(url, "outbox", "remove", "tally").returncode == 0
    again = clickgate(url, "outbox", "remove", "tally")
    assert again.returncode == 1
    assert "no consumer 'tally'" in again.stderr
