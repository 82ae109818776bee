"""Committing batches despite faults: a rejected row, a lost connection, a commit whose reply is lost."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, insert, select, update

from db.audit.report import audit
from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.ingest.clicks.records import Click, Receipt, TestClick, VisitRecord
from db.ingest.committer import Committer
from db.ingest.id_blocks import FIRST_BLOCK
from db.ingest.writer import Writer
from db.lookups.link_directory import LinkDirectory
from db.outbox.conditions import CLICK
from db.schema.clicks import ClickEvent, ClickTestEvent
from db.schema.customers import Customer
from db.schema.id_blocks import IdBlock
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import PartnerProgram
from gateway.metrics import WriterMetrics
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.faulty_proxy import lossy_proxy
from tests.support.gateways import make_link

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def click(event_id: str | None = None, *, link_id: int = 1, **visit: Any) -> Click:
    return Click(NOW, 1, link_id, 1, "https://yoursite.com/?aff=PARTNER123", VisitRecord(event_id=event_id, **visit))


async def count(store: Store, table: type[ClickEvent] | type[ClickTestEvent] | type[Customer]) -> int:
    async with store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0


async def write_nothing(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(update(IdBlock).where(IdBlock.name == "none").values(next_id=IdBlock.next_id))


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
    assert ids == list(range(1, len(ids) + 1))
    assert ends == 2 * [1 + FIRST_BLOCK + 2 * FIRST_BLOCK]


async def test_a_batch_waits_for_a_writer_in_another_process(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    await make_link(url)
    store = Store(url)
    committer = make_committer(store)
    await committer.commit([click()])  # reserves ids and prepares statements
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    committing = asyncio.create_task(committer.commit([click(), click("a")]))
    await asyncio.sleep(0.3)
    assert not committing.done()
    other.rollback()
    assert all(isinstance(outcome, Receipt) for outcome in await committing)
    other.execute("BEGIN IMMEDIATE")  # the lock has been released
    other.close()
    assert await count(store, ClickEvent) == 3
    assert not (await audit(store)).differences
    await committer.disconnect()
    await store.close()


async def test_two_committers_with_the_same_event_ids_record_each_once(store: Store, committer: Committer) -> None:
    other = make_committer(store)
    first = await committer.commit([click(str(number)) for number in range(20)])
    second = await other.commit([click(str(number)) for number in range(10, 30)])
    await other.disconnect()
    ids = [receipt.click_id for receipt in [*first, *second] if isinstance(receipt, Receipt)]
    assert ids[10:20] == ids[20:30]
    assert len(set(ids)) == 30
    assert await count(store, ClickEvent) == 30


async def test_a_closed_connection_is_reopened(store: Store, committer: Committer) -> None:
    await committer.commit([click()])
    await committer.disconnect()
    (receipt,) = await committer.commit([click()])
    assert isinstance(receipt, Receipt)
    assert await count(store, ClickEvent) == 2


async def test_the_slower_of_two_gateways_with_the_same_event_id_returns_the_fasters_result(
    make_postgres: MakeDatabase,
) -> None:
    url = make_postgres()
    await make_link(url)
    faster, slower = Store(url), Store(url)
    committer = make_committer(slower)
    ids = {"program_id": 1, "partner_id": 1, "link_id": 1, "click_id": "cust_900_1"}
    async with faster.write() as connection:
        await connection.execute(insert(Customer).values(id=900, last_click_at=NOW, **ids))
        event = {"id": 900, "customer_id": 900, "occurred_at": NOW, "affiliate_url": "https://yoursite.com/"}
        await connection.execute(insert(ClickEvent).values(event_id="same", **event, **ids))
        await connection.execute(update(ReferralLink).values(clicks=1, last_clicked=NOW))
        await connection.execute(update(PartnerProgram).values(clicks=1, last_clicked_at=NOW))
        await connection.execute(
            insert(OutboxRange).values(program_id=1, kind=CLICK, first_id=900, last_id=900, events=1)
        )
        committing = asyncio.create_task(committer.commit([click("same"), click("other")]))
        await asyncio.sleep(0.5)
        assert not committing.done()  # it waits for the other transaction that inserts "same"
    same, other = await committing
    assert same == Receipt("cust_900_1", 1, replayed=True)
    assert isinstance(other, Receipt)
    assert await count(slower, ClickEvent) == 2
    assert not (await audit(slower)).differences
    await committer.disconnect()
    await faster.close()
    await slower.close()


async def test_a_commit_whose_reply_is_lost_is_not_written_twice(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    with tempfile.TemporaryDirectory(prefix="cg-") as folder:
        async with lossy_proxy(url, Path(folder)) as (proxied, proxy):
            store = Store(proxied)
            committer = make_committer(store)
            # Reserves ids of every kind, so that the next batch commits nothing else.
            test = TestClick(NOW, None, None, VisitRecord())
            await committer.commit([click()])
            await committer.commit([test])
            proxy.lose = 1
            receipts = await committer.commit([click(), click("a"), click("a"), click()])
            assert proxy.lost == 1
            proxy.lose = 1
            (row_id,) = await committer.commit([test])
            assert proxy.lost == 2
            assert await count(store, ClickEvent) == 4
            assert await count(store, ClickTestEvent) == 2
            async with store.read() as connection:
                stored = set((await connection.scalars(select(ClickEvent.click_id))).all())
            assert isinstance(row_id, int)
            assert all(isinstance(receipt, Receipt) and receipt.click_id in stored for receipt in receipts)
            assert not (await audit(store)).differences
            await committer.disconnect()
            await store.close()


async def test_an_unresponsive_connection_causes_a_single_outage(
    make_postgres: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.ingest.writer.COMMIT_SECONDS", 1)
    monkeypatch.setattr("db.lookups.link_directory.LOOK_UP_SECONDS", 1)
    url = make_postgres()
    await make_link(url)
    with tempfile.TemporaryDirectory(prefix="cg-") as folder:
        async with lossy_proxy(url, Path(folder)) as (proxied, proxy):
            store = Store(proxied)
            writer = Writer(make_committer(store), queue_size=100, observer=WriterMetrics())
            directory = LinkDirectory(store)
            await asyncio.gather(*(write_nothing(store) for _ in range(5)))  # opens several pooled connections
            await directory.start()
            writer.start()
            await writer.record(click())
            proxy.silence()
            with pytest.raises(DatabaseUnavailable):
                await writer.record(click())
            await writer.record(click())
            other = Store(url)
            async with other.write() as connection:
                await connection.execute(update(ReferralLink).values(status="inactive"))
            await other.close()
            async with asyncio.timeout(5):
                while (link := await directory.find("PARTNER123")) is None or link.is_active:
                    await asyncio.sleep(0.1)
            await writer.close()
            await directory.close()
            await store.close()


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
