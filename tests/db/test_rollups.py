"""How an event gets into the rollups: logged with its commit and added exactly once, whatever is killed or late."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from db.audit.report import audit
from db.engine.postgresql.backend import WRITER_SESSION
from db.engine.postgresql.connections import PostgresWriteConnection
from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.committer import Committer
from db.outbox.conditions import CLICK
from db.outbox.runner import KEPT, ConsumerRunner
from db.outbox.statements import FIND_BEYOND
from db.partitions.statements import table_of
from db.rollups.aggregation import RollupSums
from db.rollups.aggregator import RollupAggregator
from db.rollups.sources import CLICKS
from db.rollups.statements import RollupStatements
from db.schema.clicks import ClickEvent
from db.schema.customers import Customer
from db.schema.outbox import OutboxRange
from db.schema.rollups import ClickRollup
from db.segments.builder import SegmentBuilder
from gateway.consumers import consumers
from tests.support.click_ids import number, this_month
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.faulty_proxy import lossy_proxy
from tests.support.report_world import World, click
from tests.support.sql_log import Statement, postgres_costs

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running_world(database_url) as world:
        yield world


@asynccontextmanager
async def running_world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    yield world
    await world.close()


async def logged(world: World) -> Sequence[tuple[Any, ...]]:
    """Return the program, the first id, the last id and the number of clicks of every row of the outbox."""
    row = OutboxRange
    async with world.store.read() as connection:
        found = await connection.execute(select(row.program_id, row.first_id, row.last_id, row.events).order_by(row.id))
        return [(program, number(first), number(last), events) for program, first, last, events in found]


async def rolled_up(world: World) -> int:
    """Return how many clicks the programs' rollups count."""
    clicks = func.sum(ClickRollup.people + ClickRollup.bots)
    totals = (ClickRollup.level == "program", ClickRollup.span_seconds == 900)
    async with world.store.read() as connection:
        return int(await connection.scalar(select(clicks).where(*totals)) or 0)


async def differences(world: World) -> Sequence[str]:
    return [difference.counter for difference in (await audit(world.store)).differences]


async def test_a_batch_logs_a_range_for_each_program(world: World) -> None:
    await world.click(click(NOW, 1), click(NOW, 4), click(NOW, 2), click(NOW, 5), click(NOW, 3))
    assert await logged(world) == [(1, 1, 5, 3), (2, 2, 4, 2)]


@pytest.mark.slow
async def test_a_portion_reads_its_own_events_only(make_postgres: MakeDatabase) -> None:
    world = await World.make(make_postgres())
    await world.click(click(NOW))
    columns = ", ".join(column.name for column in ClickEvent.__table__.columns if column.name != "id")
    table = ClickEvent.__tablename__
    more = f"INSERT INTO {table} (id, {columns}) SELECT n, {columns} FROM {table}, generate_series(1, 20000) n"
    ranges = f"""INSERT INTO outbox_ranges (kind, program_id, first_id, last_id, events)
        SELECT 'click', program_id, id, id, 1 FROM {table} ORDER BY id DESC LIMIT 5000"""
    dialect = world.store.database.engine.dialect
    async with world.store.write() as connection:
        await connection.execute(text(more))
        await connection.execute(text("ANALYZE"))
        await connection.execute(text(ranges))
        rows = list(await connection.scalars(select(OutboxRange.id).order_by(OutboxRange.id.desc()).limit(200)))
    for builder in (RollupStatements(CLICKS, dialect), SegmentBuilder(world.store)._statements):
        compiled = builder.find_events.compiled(dialect)
        # A condition on events that a portion does not need had all of three million read; few do not show it.
        assert "click_horizon" not in compiled.sql
        statement = Statement(compiled.sql, [_literal(value) for value in compiled.arguments({"rows": rows})])
        url = world.store.url.set(drivername="postgresql").render_as_string(hide_password=False)
        (cost,) = await postgres_costs(url, [statement], {ClickEvent.__tablename__, *_partitions()}, WRITER_SESSION)
        assert cost.read < 2 * len(rows), statement.sql
    await world.close()


def _literal(value: Any) -> str:
    return f"'{{{', '.join(map(str, value))}}}'" if isinstance(value, list) else f"'{value}'"


def _partitions() -> set[str]:
    return {table_of(this_month()), f"{ClickEvent.__tablename__}_older"}


async def test_a_replay_does_not_break_a_range(world: World) -> None:
    await world.click(click(NOW, event_id="a"))
    await world.click(click(NOW), click(NOW, event_id="a"), click(NOW))
    assert await logged(world) == [(1, 1, 1, 1), (1, 2, 4, 2)]


async def test_a_range_ends_at_a_click_that_another_try_might_record(world: World) -> None:
    nowhere = Click(NOW, 1, 999, 1, "https://yoursite.com/?aff=X", VisitRecord())
    await world.click(click(NOW), nowhere, click(NOW), click(NOW))
    assert await logged(world) == [(1, 1, 1, 1), (1, 3, 4, 2)]


@pytest.mark.slow
async def test_who_guesses_the_next_click_id_is_counted_as_a_customer(world: World) -> None:
    (first,) = await world.click(click(NOW))
    _, id, milliseconds = first.click_id.split("_")
    guess = f"cust_{int(id) + 1}_{milliseconds}"
    (second,) = await world.click(click(NOW, existing_click_id=guess))
    assert second.click_id == f"cust_{int(id) + 1}_{int(milliseconds) + 1}"
    await world.aggregate()
    assert not await differences(world)
    async with world.store.read() as connection:
        customers = await connection.scalar(select(func.max(ClickRollup.customers)))
        assert customers == await connection.scalar(select(func.count()).select_from(Customer)) == 2


@pytest.mark.slow
async def test_two_runners_beside_two_writers_count_every_event_once(world: World) -> None:
    other = Store(world.store.url.render_as_string(hide_password=False))
    committers = [make_committer(world.store), make_committer(other if not other.is_sqlite else world.store)]
    runners = [world.aggregation(portion_events=7), world.aggregation(other, portion_events=11)]

    async def write(committer: Committer) -> None:
        for hours in range(20):
            await committer.commit([click(NOW + timedelta(hours=hours), link) for link in (1, 2, 3, 4, 5)])
        await committer.disconnect()

    writing = asyncio.gather(*(write(committer) for committer in committers))
    while not writing.done():
        await asyncio.gather(*(runner.run_once() for runner in runners))
    await writing
    await asyncio.gather(*(runner.run_all() for runner in runners))
    for runner in runners:
        await runner.close()
    assert await rolled_up(world) == len(await world.events()) == 200
    assert not await differences(world)
    await other.close()


@pytest.mark.slow
async def test_a_runner_that_dies_half_way_has_added_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.click(*(click(NOW, link) for link in (1, 2, 3, 4, 5)))
    slices = RollupSums.slices

    def die(cells: RollupSums, size: int) -> Any:
        yield next(slices(cells, size))
        raise KeyError("died")

    runner = world.aggregation()
    monkeypatch.setattr(RollupSums, "slices", die)
    with pytest.raises(KeyError):
        await runner.run_once()
    assert await rolled_up(world) == 0
    monkeypatch.undo()
    await runner.run_all()
    await runner.close()
    assert await rolled_up(world) == 5
    assert not await differences(world)


async def test_sums_whose_commit_got_no_answer_are_not_added_again(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    with tempfile.TemporaryDirectory(prefix="cg-") as name:
        async with running_world(url) as world, lossy_proxy(url, Path(name)) as (proxied, proxy):
            await world.click(click(NOW), click(NOW))
            store = Store(proxied)
            runner = world.aggregation(store)
            proxy.lose = 1
            with pytest.raises(DatabaseUnavailable):
                await runner.run_once()
            assert proxy.lost == 1
            await runner.run_all()
            assert await rolled_up(world) == 2
            await runner.close()
            await store.close()


async def test_events_that_are_committed_late_are_added_late(make_postgres: MakeDatabase) -> None:
    async with running_world(make_postgres()) as world:
        ids = {"program_id": 1, "partner_id": 1, "link_id": 1, "click_id": "cust_900_1"}
        event = {"id": 900, "customer_id": 900, "occurred_at": NOW, "affiliate_url": "https://yoursite.com/"}
        late = Store(world.store.url.render_as_string(hide_password=False))
        async with late.write() as connection:
            await connection.execute(insert(Customer).values(id=900, last_click_at=NOW, **ids))
            await connection.execute(insert(ClickEvent).values(**event, **ids))
            await connection.execute(
                insert(OutboxRange).values(program_id=1, kind=CLICK, first_id=900, last_id=900, events=1)
            )
            await world.click(click(NOW))
            await world.aggregate()
            assert await rolled_up(world) == 1
        await late.close()
        await world.aggregate()
        assert await rolled_up(world) == 2


async def test_events_that_are_committed_while_others_are_summed_up_are_added_later(
    make_postgres: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(make_postgres()) as world:
        ids = {"program_id": 1, "partner_id": 1, "link_id": 1, "click_id": "cust_900_1"}
        event = {"id": 900, "customer_id": 900, "occurred_at": NOW, "affiliate_url": "https://yoursite.com/"}
        store = Store(world.store.url.render_as_string(hide_password=False))
        async with AsyncExitStack() as late:
            await world.click(click(NOW))
            connection = await late.enter_async_context(store.write())
            await connection.execute(insert(Customer).values(id=900, last_click_at=NOW, **ids))
            await connection.execute(insert(ClickEvent).values(**event, **ids))
            await connection.execute(
                insert(OutboxRange).values(program_id=1, kind=CLICK, first_id=900, last_id=900, events=1)
            )
            await world.click(click(NOW))

            async def read(connection: PostgresWriteConnection, *asked: Any) -> Any:
                found = await really_read(connection, *asked)
                if asked[0] is FIND_BEYOND:
                    await late.aclose()
                return found

            really_read = PostgresWriteConnection.read
            monkeypatch.setattr(PostgresWriteConnection, "read", read)
            runner = world.aggregation()
            await runner.run_once()
            assert await rolled_up(world) == 2
            monkeypatch.undo()
            await runner.run_all()
            await runner.close()
        await store.close()
        assert await rolled_up(world) == 3


@pytest.mark.slow
async def test_where_nothing_waits_nothing_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse() -> None:
        raise AssertionError("it connected to write")

    monkeypatch.setattr(world.store.database, "connect_writer", refuse)
    runner = world.aggregation()
    assert not await runner.run_once()
    monkeypatch.undo()
    await world.click(click(NOW))
    await runner.run_all()
    await runner.close()
    monkeypatch.setattr(world.store.database, "connect_writer", refuse)
    assert not await runner.run_once()


@pytest.mark.slow
async def test_a_processed_row_stays_as_long_as_it_may_be_watched(world: World) -> None:
    runner = ConsumerRunner(world.store, RollupAggregator(world.store), clock=lambda: at)
    await world.click(click(NOW))
    async with world.store.read() as connection:
        at = await connection.scalar(select(OutboxRange.recorded_at)) or NOW
    await runner.run_once()
    for consumer in consumers(world.store):
        if consumer.name != RollupAggregator.name:
            other = ConsumerRunner(world.store, consumer, clock=lambda: at)
            await other.run_all()
            await other.close()
    at += KEPT
    await runner.run_once()
    assert len(await logged(world)) == 1
    at += timedelta(seconds=1)
    await runner.run_once()
    assert not await logged(world)
    assert await rolled_up(world) == 1
    await runner.close()


@pytest.mark.slow
async def test_a_runner_outlives_an_outage_and_complains_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    async def fail() -> None:
        nonlocal tries
        tries += 1
        raise DatabaseUnavailable("gone")

    await world.click(click(NOW))
    monkeypatch.setattr("db.outbox.runner.RUN_SECONDS", 0.01)
    monkeypatch.setattr(world.store.database, "connect_writer", fail)
    runner = world.aggregation()
    runner.start()
    async with asyncio.timeout(10):
        while tries < 3:
            await asyncio.sleep(0.01)
        monkeypatch.undo()
        while not await rolled_up(world):
            await asyncio.sleep(0.01)
    await runner.close()
    (complaint,) = [record for record in caplog.records if record.name == "db.outbox.runner"]
    assert complaint.levelno == logging.WARNING
    assert not complaint.exc_info


@pytest.mark.slow
async def test_the_audit_recounts_what_is_rolled_up_and_what_waits(world: World) -> None:
    await world.click(click(NOW, 1), click(NOW, 4, is_bot=True))
    await world.aggregate()
    await world.click(click(NOW, 2))
    assert not await differences(world)
    async with world.store.write() as connection:
        await connection.execute(
            update(ClickRollup).where(ClickRollup.level == "partner", ClickRollup.bots == 1).values(bots=2)
        )
    found = await differences(world)
    assert "rollups of program 2, partner 1, day from 2026-05-01T00:00:00+00:00, bots" in found
    assert all(name.startswith("rollups of program 2, partner 1, ") and name.endswith(", bots") for name in found)
    async with world.store.write() as connection:
        await connection.execute(delete(OutboxRange).where(CLICKS.waiting))
    hour = "2026-05-01T12:00:00+00:00"
    assert f"rollups of program 1, hour from {hour}, people" in await differences(world)
