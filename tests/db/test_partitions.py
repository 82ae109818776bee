"""Clicks on PostgreSQL lie in a partition for each month, and none is lost or counted twice as the month turns."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, text

from db.audit.report import audit
from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.ingest import months
from db.ingest.clicks.records import Receipt
from db.ingest.committer import Committer
from db.partitions.months import IDS_PER_MONTH, Month, month_of
from db.partitions.statements import CLICKS, MONTHS_AHEAD, table_of
from db.schema.clicks import ClickEvent
from tests.support.click_ids import this_month
from tests.support.click_months import begin_in
from tests.support.committers import click, make_committer
from tests.support.databases import MAKERS, WITH_PARTITIONS, MakeDatabase
from tests.support.gateways import make_link

LAST_MONTH = this_month().later(-1)
PARTITIONS = text(
    "SELECT relid::regclass::text AS name, pg_get_expr(relpartbound, relid) AS bounds "
    f"FROM pg_partition_tree('{CLICKS}') JOIN pg_class ON pg_class.oid = relid WHERE isleaf ORDER BY name"
)


@pytest.fixture(params=WITH_PARTITIONS)
def url(request: pytest.FixtureRequest) -> str:
    make: MakeDatabase = request.getfixturevalue(MAKERS[request.param])
    return make()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    await make_link(url)
    store = Store(url)
    yield store
    await store.close()


@pytest.fixture
async def committers(store: Store) -> AsyncIterator[Sequence[Committer]]:
    """Two writers, as of two gateways."""
    stores = [Store(store.url.render_as_string(hide_password=False)) for _ in range(2)]
    committers = [make_committer(each) for each in stores]
    yield committers
    for committer, each in zip(committers, stores, strict=True):
        await committer.disconnect()
        await each.close()
    assert not (await audit(store)).differences


async def partitions(store: Store) -> dict[str, str]:
    """Return the bounds of the partitions, by name."""
    async with store.read() as connection:
        return {row.name: row.bounds for row in await connection.execute(PARTITIONS)}


async def ids(store: Store) -> Sequence[int]:
    async with store.read() as connection:
        return list(await connection.scalars(select(ClickEvent.id).order_by(ClickEvent.id)))


def test_an_id_tells_its_month() -> None:
    december = Month(2026, 12)
    assert (december.first_id, december.name) == (2026120000000000, "2026-12")
    assert [december.later(months).name for months in (-12, -1, 0, 1, 13)] == [
        *("2025-12", "2026-11", "2026-12", "2027-01", "2028-01")
    ]
    assert month_of(december.first_id + 42) == month_of(december.first_id + IDS_PER_MONTH - 1) == december
    assert month_of(999_999) is None


async def test_each_month_has_a_partition_and_older_clicks_have_one(store: Store) -> None:
    months = [this_month().later(number) for number in range(MONTHS_AHEAD + 1)]
    bounds = {
        table_of(month): f"FOR VALUES FROM ('{month.first_id}') TO ('{month.later(1).first_id}')" for month in months
    }
    older = f"FOR VALUES FROM (MINVALUE) TO ('{months[0].first_id}')"
    assert await partitions(store) == {**bounds, f"{CLICKS}_older": older}


async def test_every_partition_has_the_same_constraints_and_indexes(store: Store) -> None:
    definitions = text(
        "SELECT regexp_replace(regexp_replace(indexdef, ' INDEX \\w+', ''), ' ON public.\\w+', '') "
        "FROM pg_indexes WHERE tablename = :name UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = to_regclass(:name) ORDER BY 1"
    )
    async with store.read() as connection:
        found = {name: list(await connection.scalars(definitions, {"name": name})) for name in await partitions(store)}
    first, *others = found.values()
    assert all(other == first for other in others)
    assert sum("UNIQUE" in each and "event_id IS NOT NULL" in each for each in first) == 1
    assert sum("FOREIGN KEY" in each for each in first) == 3


async def test_a_click_is_looked_for_in_the_one_partition_that_its_id_tells(store: Store) -> None:
    async with store.read() as connection:
        found = text(f"EXPLAIN SELECT * FROM {CLICKS} WHERE program_id = 1 AND id = {this_month().first_id + 7}")
        plan = " ".join(await connection.scalars(found))
    assert table_of(this_month()) in plan
    assert "Append" not in plan


async def test_the_month_turns_and_a_replay_is_known_in_the_next_one(
    store: Store, committers: Sequence[Committer], caplog: pytest.LogCaptureFixture
) -> None:
    await begin_in(store, LAST_MONTH)
    caplog.set_level(logging.INFO)
    first, second = committers
    (before,) = await first.commit([click("a")])
    await second.commit([click("b")])
    await second.renew()
    (replay, new) = await first.commit([click("a"), click("c")])
    assert isinstance(before, Receipt)
    assert replay == Receipt(before.click_id, before.link_id, replayed=True)
    assert isinstance(new, Receipt)
    assert [month_of(id) for id in await ids(store)] == [LAST_MONTH, LAST_MONTH, this_month()]
    assert f"the partition of {this_month().name} from now on" in caplog.text
    for committer in committers:
        await committer.renew()
    await second.commit([click("d")])
    assert month_of((await ids(store))[-1]) == this_month()


@pytest.mark.slow
async def test_no_click_counts_twice_while_the_month_turns(store: Store, committers: Sequence[Committer]) -> None:
    await begin_in(store, LAST_MONTH)
    turned = asyncio.Event()

    async def record(committer: Committer) -> list[Any]:
        receipts: list[Any] = []
        for batch in range(60):
            receipts += await committer.commit([click(f"{batch}-{number}") for number in range(5)])
            if batch == 30 and not turned.is_set():
                turned.set()
                await committer.renew()
        return receipts

    mine, others = await asyncio.gather(*map(record, committers))
    assert [receipt.click_id for receipt in mine] == [receipt.click_id for receipt in others]
    assert sorted(a.replayed + b.replayed for a, b in zip(mine, others, strict=True)) == [1] * 300
    recorded = await ids(store)
    assert len(recorded) == 300
    assert {month_of(id) for id in recorded} == {LAST_MONTH, this_month()}


async def test_a_batch_that_the_turn_waits_for_is_committed_first(
    store: Store, committers: Sequence[Committer], monkeypatch: pytest.MonkeyPatch
) -> None:
    await begin_in(store, LAST_MONTH)
    first, second = committers
    await first.commit([click("a")])
    await second.commit([click("b")])
    monkeypatch.setattr(months, "RETRY_SECONDS", 0)
    async with store.write() as connection:  # as a batch under way holds it
        await connection.execute(text("SELECT id FROM click_writers WHERE id > 0 FOR KEY SHARE"))
        await second.renew()  # gives up after a second, and goes on with the ids that it has
        await second.commit([click("c")])
        assert {month_of(id) for id in await ids(store)} == {LAST_MONTH}
    await second.renew()
    await first.commit([click("d"), click("c")])
    assert [month_of(id) for id in await ids(store)] == [*[LAST_MONTH] * 3, this_month()]


async def test_partitions_are_made_ahead_while_others_read_and_write(
    store: Store, committers: Sequence[Committer]
) -> None:
    wanted = await partitions(store)
    last = table_of(this_month().later(MONTHS_AHEAD))
    async with store.write() as connection:
        await connection.execute(text(f"DROP TABLE {last}"))
    first, second = committers
    async with store.read() as reader:
        await reader.execute(select(func.count()).select_from(ClickEvent))  # holds its locks
        await asyncio.gather(first.renew(), second.renew())
        await second.commit([click("a")])
    assert await partitions(store) == wanted


async def test_clicks_go_on_where_no_partition_can_be_made(
    store: Store, committers: Sequence[Committer], caplog: pytest.LogCaptureFixture
) -> None:
    await begin_in(store, LAST_MONTH)
    last = table_of(this_month().later(MONTHS_AHEAD))
    async with store.write() as connection:
        await connection.execute(text(f"DROP TABLE {last}"))
        await connection.execute(text(f"CREATE VIEW uq_{last}_event_id AS SELECT 1"))  # takes the name
    committer, _ = committers
    await committer.renew()
    await committer.commit([click("a")])
    assert [month_of(id) for id in await ids(store)] == [this_month()]
    assert "partitions of the next months are not made yet" in caplog.text


async def test_an_unreachable_database_is_an_outage_while_partitions_are_made(
    store: Store, committers: Sequence[Committer], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.write() as connection:
        await connection.execute(text(f"DROP TABLE {table_of(this_month().later(MONTHS_AHEAD))}"))
    committer, _ = committers

    def lost(_month: Month) -> Sequence[str]:
        return ["SELECT pg_terminate_backend(pg_backend_pid())"]

    monkeypatch.setattr(months, "make", lost)
    with pytest.raises(DatabaseUnavailable):
        await committer.renew()
    monkeypatch.undo()
    await committer.renew()
    assert table_of(this_month().later(MONTHS_AHEAD)) in await partitions(store)


@pytest.mark.not_on_citus("a cluster detaches no partition CONCURRENTLY")
async def test_a_month_can_be_dropped_while_clicks_are_recorded(store: Store, committers: Sequence[Committer]) -> None:
    await begin_in(store, LAST_MONTH)
    committer, _ = committers
    await committer.commit([click("a")])
    await committer.renew()
    await committer.commit([click("b")])
    async with store.database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text(f"ALTER TABLE {CLICKS} DETACH PARTITION {table_of(LAST_MONTH)} CONCURRENTLY"))
        await committer.commit([click("c")])
        # Back again, so that the audit finds what it counted.
        bounds = f"FROM ({LAST_MONTH.first_id}) TO ({this_month().first_id})"
        await alone.execute(text(f"ALTER TABLE {CLICKS} ATTACH PARTITION {table_of(LAST_MONTH)} FOR VALUES {bounds}"))
    assert len(await ids(store)) == 3
