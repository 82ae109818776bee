"""Consumers of the outbox beside writers, rewinds and crashes: every event is counted once."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from random import Random

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.audit.report import audit
from db.engine.store import Store
from db.ingest.committer import Committer
from db.outbox import history
from db.outbox.conditions import CLICK
from db.outbox.consumers import add_consumer, rewind_consumer
from db.outbox.event_ranges import RANGE_EVENTS
from db.rollups.aggregator import RollupAggregator
from db.schema.clicks import ClickEvent
from db.schema.customers import Customer
from db.schema.outbox import OutboxRange
from db.schema.rollups import ClickRollup
from tests.support.click_load import Load
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.fork_server import start
from tests.support.gateways import make_link
from tests.support.processes import kill, serving
from tests.support.report_world import World, click
from tests.support.tally import Tally, drop_table, make_table, recorded, runner_of, tallied

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KILLS = 12


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    await make_table(world.store)
    yield world
    await drop_table(world.store)
    await world.close()


async def test_a_rewind_does_not_count_what_is_committed_later_between_other_ids(make_postgres: MakeDatabase) -> None:
    world = await World.make(make_postgres())
    store = Store(world.store.url.render_as_string(hide_password=False))
    ids = {"program_id": 1, "partner_id": 1, "link_id": 1}
    event = {"occurred_at": NOW, "affiliate_url": "https://yoursite.com/", **ids}

    async def record(connection: AsyncConnection, id: int) -> None:
        names = {"id": id, "click_id": f"cust_{id}_1"}
        await connection.execute(insert(Customer).values(last_click_at=NOW, **ids, **names))
        await connection.execute(insert(ClickEvent).values(customer_id=id, **event, **names))
        await connection.execute(
            insert(OutboxRange).values(program_id=1, kind=CLICK, first_id=id, last_id=id, events=1)
        )

    async with store.write() as late:
        await record(late, 902)
        for id in (901, 903):
            async with world.store.write() as connection:
                await record(connection, id)
        await rewind_consumer(world.store, RollupAggregator(world.store))
    await world.aggregate()
    clicks = select(func.sum(ClickRollup.people)).where(ClickRollup.level == "program", ClickRollup.span_seconds == 900)
    async with world.store.read() as connection:
        assert await connection.scalar(clicks) == 3
    await store.close()
    await world.close()


@pytest.mark.slow
async def test_rewinds_beside_writers_and_runners_count_every_event_once(world: World) -> None:
    other = Store(world.store.url.render_as_string(hide_password=False))
    stores = [world.store, other if not other.is_sqlite else world.store]
    committers = [make_committer(store) for store in stores]
    await add_consumer(world.store, Tally(world.store))

    async def write(committer: Committer) -> None:
        for _ in range(40):
            await committer.commit([click(NOW, link) for link in (1, 2, 3, 4, 5)])
            await asyncio.sleep(0)
        await committer.disconnect()

    runners = [runner_of(store, Tally(store), portion_events=15) for store in stores]
    runners += [runner_of(store, RollupAggregator(store, pause_seconds=0), portion_events=15) for store in stores]
    writing = asyncio.gather(*(write(committer) for committer in committers))
    while not writing.done():
        await asyncio.gather(*(runner.run_once() for runner in runners))
        await rewind_consumer(world.store, Tally(world.store))
        await rewind_consumer(world.store, RollupAggregator(world.store))
    await writing
    await asyncio.gather(*(runner.run_all() for runner in runners))
    for runner in runners:
        await runner.close()
    assert await tallied(world.store) == await recorded(world.store) == {1: 240, 2: 160}
    assert not (await audit(world.store)).differences
    await other.close()


@pytest.mark.slow
async def test_killed_consumers_of_killed_gateways_count_every_event_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PART_IDS", RANGE_EVENTS)
    await make_link(database_url)
    store = Store(database_url)
    await make_table(store)
    await add_consumer(store, Tally(store))
    choose = Random(5)
    gateways = 1 if store.is_sqlite else 2
    for _ in range(2):
        async with AsyncExitStack() as stack:
            served = [await stack.enter_async_context(serving(database_url)) for _ in range(gateways)]
            loads = [Load(url, visitors=8) for _, url in served]
            for load in loads:
                load.start()
            for number in range(KILLS):
                await killed_after(database_url, choose.uniform(0.2, 0.7))
                if number == KILLS // 2:
                    await rewind_consumer(store, Tally(store))
            for process, _ in served:
                await kill(process)
            for load in loads:
                await load.stop()
    for consumer in (Tally(store), RollupAggregator(store, pause_seconds=0)):
        runner = runner_of(store, consumer)
        await runner.run_all()
        await runner.close()
    assert await tallied(store) == await recorded(store)
    await drop_table(store)
    assert not (await audit(store)).differences
    await store.close()


async def killed_after(database_url: str, seconds: float) -> None:
    """Run the consumers in a process of their own for so long."""
    consumers = start([database_url], os.environ, 1, 2, is_leader=True, program="tests.support.tally:main")
    await asyncio.sleep(seconds)
    await kill(consumers)
