"""Committing batches: a rejected row, awkward texts, ids in blocks, and SQLite's log."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from db.audit.report import audit
from db.engine.store import Store
from db.ingest.clicks.records import Click, Receipt, TestClick, VisitRecord
from db.ingest.committer import Committer
from db.ingest.id_blocks import FIRST_BLOCK
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from db.schema.id_blocks import IdBlock
from tests.support.click_ids import number
from tests.support.committers import NOW, click, count, make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    await make_link(database_url)
    store = Store(database_url)
    yield store
    assert not (await audit(store)).differences
    await store.close()


@pytest.fixture
async def committer(store: Store) -> AsyncIterator[Committer]:
    committer = make_committer(store)
    yield committer
    await committer.disconnect()


async def test_only_the_rejected_click_of_a_batch_fails(store: Store, committer: Committer) -> None:
    batch = [click("a"), click(link_id=999), click("b"), click("b")]
    first, refused, second, replay = await committer.commit(batch)
    assert isinstance(first, Receipt)
    assert isinstance(second, Receipt)
    assert isinstance(refused, Exception)
    assert isinstance(replay, Receipt)
    assert replay.replayed
    assert replay.click_id == second.click_id
    assert await count(store, ClickEvent) == 2
    assert await count(store, Customer) == 2
    if store.database.is_cluster:  # which has no foreign key from test clicks to programs
        return
    tests = [TestClick(NOW, program_id, None, VisitRecord()) for program_id in (1, 999)]
    recorded, unknown = await committer.commit(tests)
    assert isinstance(recorded, int)
    assert isinstance(unknown, Exception)
    assert await count(store, ClickTestEvent) == 1


async def test_an_earlier_click_committed_later_does_not_become_the_customers_last_click(
    store: Store, committer: Committer
) -> None:
    (first,) = await committer.commit([click()])
    assert isinstance(first, Receipt)

    def after(seconds: int) -> Click:
        return replace(click(existing_click_id=first.click_id), received_at=NOW + timedelta(seconds=seconds))

    for batch, latest in (([after(2)], 2), ([after(1)], 2), ([after(4), after(3)], 4)):
        await committer.commit(batch)
        async with store.read() as connection:
            assert await connection.scalar(select(Customer.last_click_at)) == NOW + timedelta(seconds=latest)


async def test_a_batch_has_clicks_of_new_customers_and_of_those_who_return_in_any_order(
    store: Store, committer: Committer
) -> None:
    known = [receipt.click_id for receipt in await committer.commit([click(), click()])]
    named = [known[0], None, known[1], None, known[0], "cust_1_1", None]
    batch = [
        replace(click(existing_click_id=name), received_at=NOW + timedelta(seconds=at)) for at, name in enumerate(named)
    ]
    told = [receipt.click_id for receipt in await committer.commit(batch)]
    assert [told[at] for at in (0, 2, 4)] == [known[0], known[1], known[0]]
    assert len({*known, *told}) == 2 + 4
    async with store.read() as connection:
        events = select(ClickEvent.click_id, ClickEvent.occurred_at).order_by(ClickEvent.id).offset(2)
        found = [(row.click_id, row.occurred_at) for row in await connection.execute(events)]
        customers = await connection.execute(select(Customer.click_id, Customer.last_click_at))
        latest = {row.click_id: row.last_click_at for row in customers}
    assert found == [(click_id, record.received_at) for click_id, record in zip(told, batch, strict=True)]
    assert latest == dict(found)  # of several clicks of a customer, the last one


async def test_a_retry_of_a_rejected_click_is_rejected_too(store: Store, committer: Committer) -> None:
    outcomes = await committer.commit([click("a", link_id=999), click("a", link_id=999), click("b")])
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [True, True, False]
    assert await count(store, ClickEvent) == 1


async def test_only_the_click_with_text_that_no_database_accepts_fails(store: Store, committer: Committer) -> None:
    good, bad = await committer.commit([click(), click(page_title="\ud800")])
    assert isinstance(good, Receipt)
    assert isinstance(bad, Exception)
    assert await count(store, ClickEvent) == 1


AWKWARD = (
    "",
    "007",
    "1e5",
    "null",
    "true",
    '"',
    "'; DROP TABLE customers; --",
    "\\u0041 \\",
    "a\tb\r\nc",
    "\x7f\u2028",
    "\u00e9\u65e5\U0001f600",
)


async def test_texts_are_stored_unchanged_in_batches_and_one_by_one(store: Store, committer: Committer) -> None:
    given = [click(page_title=text, additional_data=text) for text in AWKWARD]
    await committer.commit(given)
    await committer.commit([*given, click(link_id=999)])  # the last one is rejected, so the batch is retried row by row
    async with store.read() as connection:
        titles = select(ClickEvent.page_title, ClickEvent.additional_data).order_by(ClickEvent.id)
        kept = [tuple(row) for row in await connection.execute(titles)]
    assert kept == 2 * [(text, text) for text in AWKWARD]


async def test_a_busy_gateway_reserves_larger_and_larger_id_blocks(store: Store, committer: Committer) -> None:
    for _ in range(FIRST_BLOCK // 500 + 1):
        await committer.commit([click()] * 500)
    async with store.read() as connection:
        ids = list(await connection.scalars(select(ClickEvent.id).order_by(ClickEvent.id)))
        blocks = select(IdBlock.next_id).where(IdBlock.name.in_(("click_events", "customers")))
        ends = list(await connection.scalars(blocks))
    assert list(map(number, ids)) == list(range(1, len(ids) + 1))
    assert list(map(number, ends)) == 2 * [1 + FIRST_BLOCK + 2 * FIRST_BLOCK]


async def log_bytes(url: str, batches: int) -> int:
    """Return the size of SQLite's write-ahead log after a number of batches."""
    await make_link(url)
    store = Store(url)
    committer = make_committer(store)
    for _ in range(batches):
        await committer.commit([click() for _ in range(10)])
        await asyncio.sleep(0.002)
    size = Path(f"{store.url.database}-wal").stat().st_size
    assert not (await audit(store)).differences
    await committer.disconnect()
    await store.close()
    return size


@pytest.mark.slow
async def test_sqlites_log_is_checkpointed_in_the_background(
    make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.engine.sqlite.checkpoints.CHECKPOINT_SECONDS", 60)
    everything = await log_bytes(make_sqlite(), 200)
    monkeypatch.setattr("db.engine.sqlite.checkpoints.CHECKPOINT_SECONDS", 0)
    assert await log_bytes(make_sqlite(), 200) < everything / 2
