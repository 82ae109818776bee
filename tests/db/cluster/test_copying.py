"""Tables are copied to their twins while they change: on plain PostgreSQL, where twins are not distributed, and on a
cluster."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from db.cluster import copying, distributing, switching
from db.cluster.changes import NOTING_LOCK, TRIGGERS
from db.cluster.clearing import SCHEMAS, clear
from db.cluster.copied import Copied
from db.cluster.copying import Chunk
from db.cluster.distributing import Plan, distribute
from db.cluster.placement import DISTRIBUTED, REFERENCE
from db.cluster.requirements import check_tables
from db.cluster.twins import COPIES, REPLACED
from db.engine.migrate import upgrade
from db.engine.store import Store
from db.errors import ClicksNeeded, DatabaseUnavailable, NoCluster, RowRefused, SchemaOutdated
from db.ingest.months import PARTITION_LOCK
from db.retention.dropping import drop_before
from tests.support.citus import CitusCluster
from tests.support.click_ids import this_month
from tests.support.click_months import begin_in
from tests.support.databases import WITH_PARTITIONS, MakeDatabase

pytestmark = pytest.mark.slow

PLAN = Plan((*DISTRIBUTED, *REFERENCE), {})
SHARDS = 4
HISTORY = (
    "INSERT INTO affiliate_programs (name) SELECT 'A program' FROM generate_series(1, 5)",
    "INSERT INTO affiliate_partners (name) SELECT 'A partner' FROM generate_series(1, 5)",
    "INSERT INTO partner_programs (program_id, partner_id) SELECT id, id FROM affiliate_programs",
    "INSERT INTO referral_links (code, program_id, partner_id) SELECT 'CODE' || id, id, id FROM affiliate_programs",
    "INSERT INTO unknown_codes (program_id, code, clicks, last_page, first_seen_at, last_seen_at) "
    "SELECT 1 + n % 5, 'CODE' || n, n, '', now(), now() FROM generate_series(1, 100) n",
    "INSERT INTO click_rollups (program_id, level, subject_id, span_seconds, bucket_at, partner_id) "
    "SELECT 1 + n % 5, 'link', n, 900, now() - n * interval '1.000001 hours', 1 FROM generate_series(1, 100) n",
)
# With two numbers of 1 to 100.
CHANGES = (
    "INSERT INTO unknown_codes (program_id, code, clicks, last_page, first_seen_at, last_seen_at) "
    "VALUES (1 + :a % 5, 'NEW' || :b, 1, '', now(), now()) ON CONFLICT DO NOTHING",
    "UPDATE unknown_codes SET clicks = clicks + 1 WHERE code = 'CODE' || :a",
    "UPDATE unknown_codes SET code = 'OTHER' || :a WHERE code = 'CODE' || :b",
    "UPDATE unknown_codes SET program_id = 6 - program_id WHERE code = 'NEW' || :b",
    "DELETE FROM unknown_codes WHERE code = 'CODE' || :b",
    "UPDATE click_rollups SET people = people + 1 WHERE subject_id % 10 = :a % 10",
    "DELETE FROM click_rollups WHERE subject_id = :b",
    "UPDATE referral_links SET clicks = clicks + :a",
    "INSERT INTO affiliate_partners (name) VALUES ('Partner ' || :a)",
)


@pytest.fixture(params=WITH_PARTITIONS)
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "postgresql":
        make: MakeDatabase = request.getfixturevalue("make_postgres")
        monkeypatch.setattr(distributing, "_place", _connect)
        yield make()
        return
    citus: CitusCluster = request.getfixturevalue("citus")
    yield (url := citus.make_empty())
    citus.remove(url)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = Store(url)
    await upgrade(store)
    async with store.write() as connection:
        for command in HISTORY:
            await connection.execute(text(command))
    yield store
    await store.close()


async def _connect(store: Store, _tables: object, twins: Any, _shards: object) -> None:
    """What is left of placing twins without a cluster."""
    async with store.write() as connection:
        for command in twins.connect:
            await connection.execute(text(command))


async def run(store: Store) -> None:
    await distribute(store, PLAN, lambda _: None, shards=SHARDS)


@asynccontextmanager
async def running(store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Task[None]]:
    """Run until everything is copied, and go on at the end of the block."""
    reached, end = asyncio.Event(), asyncio.Event()
    catch_up = copying.catch_up

    async def pause(*arguments: Any) -> None:
        reached.set()
        await end.wait()
        await catch_up(*arguments)

    monkeypatch.setattr(distributing, "catch_up", pause)
    task = asyncio.create_task(run(store))
    waiting = asyncio.create_task(reached.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    if not reached.is_set():
        await task
    try:
        yield task
    finally:
        end.set()
        await asyncio.gather(task, return_exceptions=True)


async def rows(store: Store, table: str) -> Counter[Any]:
    async with store.read() as connection:
        return Counter(map(tuple, await connection.execute(text(f"SELECT * FROM {table}"))))


async def left(store: Store) -> list[str]:
    async with store.read() as connection:
        return [*(await connection.scalars(text(SCHEMAS))), *(await connection.scalars(text(TRIGGERS)))]


async def test_in_the_end_twins_have_the_rows_that_their_tables_have(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, number in {"FIRST_ROWS": 2, "MOST_ROWS": 7, "CHANGES": 25}.items():
        monkeypatch.setattr(copying, name, number)
    random, stopped = Random(7), asyncio.Event()
    changes = 0

    async def keep_changing() -> None:
        nonlocal changes
        while not stopped.is_set():
            commands = [
                command.replace(":a", str(random.randint(1, 100))).replace(":b", str(random.randint(1, 100)))
                for command in random.sample(CHANGES, random.randint(1, 3))
            ]
            # A key may be another row's by then.
            with suppress(RowRefused):
                async with store.write() as connection:
                    for command in commands:
                        await connection.execute(text(command))
                changes += 1

    changing = asyncio.create_task(keep_changing())
    catch_up, switch = copying.catch_up, switching.switch

    async def catch_up_beside_changes(*arguments: Any) -> None:
        asyncio.get_running_loop().call_later(1, stopped.set)
        await catch_up(*arguments)

    async def switch_later(*arguments: Any) -> None:
        await changing
        await switch(*arguments)

    async def keep(*_arguments: Any, **_options: Any) -> None:
        """Remove nothing, so that tables can be compared."""

    monkeypatch.setattr(distributing, "catch_up", catch_up_beside_changes)
    monkeypatch.setattr(distributing, "switch", switch_later)
    monkeypatch.setattr(distributing, "clear", keep)
    await run(store)
    assert changes > 30
    for table in PLAN.tables:
        assert await rows(store, table) == await rows(store, f"{REPLACED}.{table}"), table
    await clear(store)
    assert await left(store) == []


async def test_a_row_takes_what_was_unique_to_another_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """First to one that was copied already, then to one whose change was noted, but is not applied yet."""
    for name, number in {"FIRST_ROWS": 1, "MOST_ROWS": 1, "CHANGES": 2}.items():
        monkeypatch.setattr(copying, name, number)
    copy_chunk = copying._copy_chunk
    swaps = (
        (
            "UPDATE referral_links SET code = 'FREE' WHERE id = 1",
            "UPDATE referral_links SET code = 'CODE1' WHERE id = 4",
        ),
        (
            "UPDATE referral_links SET clicks = 7 WHERE id = 5",
            "UPDATE referral_links SET clicks = 7 WHERE id = 3",
            "UPDATE referral_links SET code = 'OTHER' WHERE id = 2",
            "UPDATE referral_links SET code = 'CODE2' WHERE id = 5",
        ),
    )

    async def change(commands: Sequence[str]) -> None:
        async with store.write() as connection:
            for command in commands:
                await connection.execute(text(command))

    async def change_after_first(store: Store, source: Copied, chunk: Chunk) -> Any:
        copied = await copy_chunk(store, source, chunk)
        if source.name == "referral_links" and not chunk.after:
            await change(swaps[0])
        return copied

    monkeypatch.setattr(copying, "_copy_chunk", change_after_first)
    async with running(store, monkeypatch) as task:
        await change(swaps[1])
    await task
    async with store.read() as connection:
        codes = list(await connection.scalars(text("SELECT code FROM referral_links ORDER BY id")))
    assert codes == ["FREE", "OTHER", "CODE3", "CODE1", "CODE2"]


async def test_whoever_interrupts_a_run_has_changed_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await rows(store, "unknown_codes")
    with monkeypatch.context() as interrupted:
        async with running(store, interrupted) as task:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert await left(store) == []
    assert await rows(store, "unknown_codes") == before
    await run(store)
    assert await rows(store, "unknown_codes") == before


async def test_after_a_run_was_killed_nothing_is_noted_and_the_next_run_removes_what_is_left(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stay(*_arguments: Any, **_options: Any) -> None:
        """Do nothing, like a process that was killed."""

    async def fail(*_arguments: Any) -> None:
        raise DatabaseUnavailable

    count = text(f"SELECT count(*) FROM {COPIES}.changes_of_unknown_codes")
    with monkeypatch.context() as killed:
        killed.setattr(distributing, "clear", stay)
        killed.setattr(distributing, "switch", fail)
        with pytest.raises(DatabaseUnavailable):
            await run(store)
    assert {COPIES, "public.unknown_codes"} <= set(await left(store))
    async with store.write() as connection:
        await connection.execute(text("UPDATE unknown_codes SET clicks = clicks + 1"))
        assert await connection.scalar(count) == 0
    before = await rows(store, "unknown_codes")
    await run(store)
    assert await rows(store, "unknown_codes") == before
    assert await left(store) == []


async def test_a_run_that_loses_its_lock_changes_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'clickgate db distribute'"
    is_free = text(f"SELECT pg_try_advisory_xact_lock_shared({NOTING_LOCK})")
    async with running(store, monkeypatch) as task:
        async with store.write() as connection, asyncio.timeout(10):
            await connection.execute(text(f"{end} AND datname = current_database()"))
            while not await connection.scalar(is_free):
                await asyncio.sleep(0.01)
            # Nobody notes this.
            await connection.execute(text("UPDATE unknown_codes SET clicks = clicks + 1"))
        before = await rows(store, "unknown_codes")
    with pytest.raises(DatabaseUnavailable):
        await task
    assert await left(store) == []
    assert await rows(store, "unknown_codes") == before


async def test_nobody_else_alters_tables_while_they_are_copied(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await begin_in(store, this_month().later(-12))
    async with running(store, monkeypatch) as task:
        with pytest.raises(SchemaOutdated, match="db distribute"):
            await upgrade(store)
        with pytest.raises(ClicksNeeded, match="db distribute"):
            await drop_before(store, this_month().later(-11), datetime.now(UTC))
        with pytest.raises(NoCluster, match="another command"):
            await run(store)
        async with store.write() as connection:
            # Gateways take it before they make the partition of a month.
            assert not await connection.scalar(text(f"SELECT pg_try_advisory_xact_lock({PARTITION_LOCK})"))
    await task
    assert (await drop_before(store, this_month().later(-11), datetime.now(UTC))).partitions
    await upgrade(store)


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        (
            "CREATE INDEX found ON customers (program_id, click_id)",
            "SELECT tablename FROM pg_indexes WHERE indexname = 'found'",
        ),
        (
            "ALTER TABLE customers ADD COLUMN found text",
            "SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'found'",
        ),
        (
            "GRANT SELECT ON customers TO PUBLIC",
            "SELECT 'customers' FROM pg_class WHERE relname = 'customers' AND relacl::text LIKE '%,=r/%'",
        ),
    ],
)
async def test_what_an_operator_alters_meanwhile_is_not_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch, command: str, kept: str
) -> None:
    with monkeypatch.context() as altered:
        async with running(store, altered) as task, store.write() as connection:
            await connection.execute(text(command))
    with pytest.raises(NoCluster, match="altered"):
        await task
    assert await left(store) == []
    await run(store)
    async with store.read() as connection:
        assert list(await connection.scalars(text(kept))) == ["customers"]


async def test_a_reader_delays_only_the_switch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    change = text("UPDATE unknown_codes SET clicks = clicks + 1")
    count = text("SELECT count(*) FROM unknown_codes")
    async with store.read() as reader:
        before = await reader.scalar(count)
        task = asyncio.create_task(run(store))
        async with asyncio.timeout(60):
            while COPIES not in await left(store):
                await asyncio.sleep(0.1)
            for _ in range(8):
                await asyncio.sleep(0.3)
                async with store.write() as connection:
                    await connection.execute(change)
        assert await reader.scalar(count) == before
        assert not task.done()
    await task
    async with store.read() as connection:
        clicks = await connection.scalar(text("SELECT sum(clicks) FROM unknown_codes"))
    assert clicks == sum(range(1, 101)) + 8 * 100


async def test_what_is_built_on_tables_is_named_before_they_are_replaced(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("CREATE VIEW programs AS SELECT id FROM affiliate_programs"))
        with pytest.raises(NoCluster, match="programs"):
            await check_tables(connection, PLAN.tables)
        await connection.rollback()
    async with store.read() as connection:
        await check_tables(connection, PLAN.tables)
