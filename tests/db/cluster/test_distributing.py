"""Distributing a database over a cluster, while clicks are recorded.

Most of it needs a cluster, which CLICKGATE_TEST_CITUS_URL names.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from db.audit.differences import Difference
from db.audit.report import audit
from db.cluster import distributing
from db.cluster.distributing import distribute, make_plan
from db.cluster.placement import DISTRIBUTED, LOCAL, REFERENCE
from db.cluster.status import cluster_status, table_bytes
from db.engine.migrate import upgrade
from db.engine.store import Store
from db.errors import NoCluster
from db.ingest.clicks.records import VisitRecord
from tests.support.citus import CitusCluster
from tests.support.committers import click, make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway

SHARDS = 4
PREPARED = f"citus_0_{os.getpid()}_1_1"


@pytest.fixture
def undistributed(citus: CitusCluster) -> Iterator[str]:
    """A database with this version's tables that knows the cluster's nodes."""
    url = citus.make_empty()
    asyncio.run(_upgraded(url))
    yield url
    citus.remove(url)


async def _upgraded(url: str) -> None:
    store = Store(url)
    await upgrade(store)
    await store.close()


@pytest.fixture
async def store(undistributed: str) -> AsyncIterator[Store]:
    store = Store(undistributed)
    yield store
    await store.close()


async def distributed(store: Store) -> int:
    """Distribute what is left; return how many tables that was."""
    plan = await make_plan(store)
    await distribute(store, plan, lambda _: None, shards=SHARDS)
    return len(plan.tables)


async def refused(url: str) -> str:
    store = Store(url)
    with pytest.raises(NoCluster) as caught:
        await make_plan(store)
    await store.close()
    return str(caught.value)


async def test_what_is_missing_is_said(tmp_path: Path, make_postgres: MakeDatabase) -> None:
    assert "move to PostgreSQL first" in await refused(f"sqlite:///{tmp_path / 'clicks.db'}")
    assert "does not have the extension Citus" in await refused(make_postgres())


async def test_a_coordinator_without_nodes_is_told_how_to_get_them(citus: CitusCluster) -> None:
    url = citus.make_empty()
    store = Store(url)
    nodes = [f"'{node.host}', {node.port}" for node in citus.nodes]
    steps = [
        ("SELECT citus_remove_node({})", "citus_add_node", nodes[1:]),
        ("SELECT citus_remove_node({})", "citus_set_coordinator_host", nodes[:1]),
        ("DROP EXTENSION citus CASCADE", "CREATE EXTENSION citus", [""]),
    ]
    for command, advice, places in steps:
        async with store.write() as connection:
            for place in places:
                await connection.execute(text(command.format(place)))
        assert advice in await refused(url)
    await store.close()
    citus.remove(url)


async def test_nothing_is_lost_or_counted_twice_while_tables_are_distributed(undistributed: str) -> None:
    async with running_gateway(undistributed) as gateway:
        await gateway.link("BEFORE")
        stopped, statuses = asyncio.Event(), list[int]()

        async def keep_clicking(sender: int) -> None:
            number = 0
            while not stopped.is_set():
                answer = await gateway.track("BEFORE", event_id=f"{sender}-{number}", timeout=60)
                statuses.append(answer.status_code)
                number += answer.status_code == 200

        senders = [asyncio.create_task(keep_clicking(sender)) for sender in range(3)]
        await asyncio.sleep(0.5)
        assert await distributed(gateway.store) == len(DISTRIBUTED) + len(REFERENCE)
        before = len(statuses)
        while len(statuses) < before + 30:
            await asyncio.sleep(0.05)
        stopped.set()
        await asyncio.gather(*senders)
        assert set(statuses) <= {200, 503}
        assert await gateway.recorded() == statuses.count(200)
        assert (await gateway.track("BEFORE", event_id="0-0")).json()["success"]
        assert await gateway.recorded() == statuses.count(200)
        # A link that is made there records clicks at once, also with a click of another program in one batch.
        await gateway.link("AFTER")
        assert (await gateway.track("AFTER")).status_code == 200


async def test_to_distribute_again_changes_nothing(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(text("INSERT INTO affiliate_programs (id, name) VALUES (1, 'One'), (2, 'Two')"))
    assert await distributed(store)
    assert await distributed(store) == 0
    async with store.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM affiliate_programs")) == 2
        # What the coordinator itself had is gone.
        assert await connection.scalar(text("SELECT pg_relation_size('affiliate_programs')")) == 0


async def test_a_long_report_delays_only_the_removal_of_the_coordinators_copies(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "INSERT INTO affiliate_programs (name) VALUES ('A program')"
    size = text("SELECT pg_relation_size('affiliate_programs')")
    async with store.write() as connection:
        await connection.execute(text(program))
    with monkeypatch.context() as interrupted:
        interrupted.setattr(distributing, "_empty", lambda _: asyncio.sleep(0))
        await distributed(store)
    async with store.read() as reader:
        assert await reader.scalar(size)
        assert await reader.scalar(text("SELECT count(*) FROM affiliate_programs")) == 1
        removing = asyncio.create_task(distributed(store))
        async with asyncio.timeout(10):
            for _ in range(3):
                await asyncio.sleep(0.3)
                async with store.write() as connection:
                    await connection.execute(text(program))
        assert not removing.done()
    assert await removing == 0
    async with store.read() as reader:
        assert not await reader.scalar(size)
        assert await reader.scalar(text("SELECT count(*) FROM affiliate_programs")) == 4


async def test_the_status_tells_where_tables_lie(store: Store, citus: CitusCluster) -> None:
    status = await cluster_status(store)
    assert status is not None
    assert (status.distributed, set(status.undistributed)) == ([], {*DISTRIBUTED, *REFERENCE})
    await distributed(store)
    status = await cluster_status(store)
    assert status is not None
    assert list(status.nodes) == [f"{node.host}:{node.port}" for node in citus.nodes]
    assert all(status.nodes.values())
    assert (status.distributed, status.on_each_node) == (list(DISTRIBUTED), list(REFERENCE))
    assert (status.on_the_coordinator, status.undistributed) == (LOCAL, [])
    assert (await table_bytes(store))["affiliate_click_events"] > 0


async def test_other_databases_are_no_clusters(database_url: str) -> None:
    store = Store(database_url)
    assert (await cluster_status(store) is None) != store.database.is_cluster
    await store.close()


async def test_a_transaction_has_not_ended_before_all_nodes_show_it(store: Store, citus: CitusCluster) -> None:
    """The moment between the coordinator's commit and the nodes', held for as long as it takes to look."""
    database, node = store.database, citus.nodes[1]
    await database.oldest_running()  # knows the cluster from its first connection on
    there = Store(citus.url_of(str(store.url.database), node).render_as_string(hide_password=False))
    async with there.database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(f"BEGIN; CREATE TABLE late (id int); PREPARE TRANSACTION '{PREPARED}'")
        try:
            async with store.write() as coordinator:
                noted = f"INSERT INTO pg_dist_transaction (groupid, gid) VALUES (1, '{PREPARED}')"
                await coordinator.execute(text(noted))
                number = await coordinator.scalar(text("SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)"))
            async with store.write() as coordinator:  # a later one, which has ended
                await coordinator.execute(text("CREATE TABLE later (id int)"))
            assert await database.oldest_running() <= number
            assert await database.next_number() > number + 1
        finally:
            await driver.execute(f"COMMIT PREPARED '{PREPARED}'")
        async with asyncio.timeout(20):  # other tests' transactions have numbers of the same server
            while await database.oldest_running() <= number:
                await asyncio.sleep(0.1)
    await there.close()


async def test_a_batch_of_many_programs_commits_on_all_nodes_or_none(make_citus: MakeDatabase) -> None:
    url = make_citus()
    async with running_gateway(url) as gateway:
        for number in range(1, 9):
            await gateway.link(f"CODE{number}")
        committer = make_committer(gateway.store)
        batch = [
            replace(click(f"event-{id}", link_id=id), program_id=id, partner_id=id, received_at=datetime.now(UTC))
            for id in range(1, 9)
        ]
        outcomes = await committer.commit(batch)
        assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert await gateway.recorded() == 8
        # One of them is refused by its node: the others are recorded without it.
        others = [replace(each, visit=VisitRecord(event_id=f"other-{each.link_id}")) for each in batch]
        others[3] = replace(others[3], link_id=99)
        outcomes = await committer.commit(others)
        assert [isinstance(outcome, Exception) for outcome in outcomes] == [at == 3 for at in range(8)]
        assert await gateway.recorded() == 15
        await committer.disconnect()
    assert (await _differences(url)) == []


async def _differences(url: str) -> Sequence[Difference]:
    store = Store(url)
    found = (await audit(store)).differences
    await store.close()
    return found
