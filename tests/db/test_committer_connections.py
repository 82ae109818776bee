"""Committing batches beside other processes and over connections that are lost: nothing is written twice."""

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from db.audit.report import audit
from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.ingest.clicks.records import Receipt, TestClick, VisitRecord
from db.ingest.committer import Committer
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
from tests.support.click_ids import this_month
from tests.support.committers import NOW, click, count, make_committer
from tests.support.databases import MakeDatabase
from tests.support.faulty_proxy import lossy_proxy
from tests.support.gateways import make_link


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


@pytest.mark.slow
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
    # In the partition to which the slower one writes, too.
    event_id = this_month().first_id + 900
    async with faster.write() as connection:
        await connection.execute(insert(Customer).values(id=900, last_click_at=NOW, **ids))
        event = {"id": event_id, "customer_id": 900, "occurred_at": NOW, "affiliate_url": "https://yoursite.com/"}
        await connection.execute(insert(ClickEvent).values(event_id="same", **event, **ids))
        await connection.execute(update(ReferralLink).values(clicks=1, last_clicked=NOW))
        await connection.execute(update(PartnerProgram).values(clicks=1, last_clicked_at=NOW))
        await connection.execute(
            insert(OutboxRange).values(program_id=1, kind=CLICK, first_id=event_id, last_id=event_id, events=1)
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
