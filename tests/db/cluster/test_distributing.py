"""Distributing a database over a cluster, while clicks are recorded.

Most of it needs a cluster, which CLICKGATE_TEST_CITUS_URL names.
"""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from db.audit.differences import Difference
from db.audit.report import audit
from db.cluster import copying, distributing
from db.cluster.changes import TRIGGERS
from db.cluster.clearing import SCHEMAS
from db.cluster.distributing import distribute, make_plan
from db.cluster.placement import DISTRIBUTED, LOCAL, REFERENCE
from db.cluster.status import cluster_status, table_bytes
from db.engine.migrate import FENCE_WRITERS, upgrade
from db.engine.store import Store
from db.errors import NoCluster
from db.ingest.clicks.records import VisitRecord
from db.partitions.months import month_of
from tests.support.citus import CitusCluster
from tests.support.click_ids import this_month
from tests.support.click_months import go_to
from tests.support.committers import click, make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import running_gateway
from tests.support.processes import COMMAND, environment, kill

SHARDS = 4
# A table that is not placed cannot refer to one that is.
PROGRAM_OF_CODE = "fk_unknown_codes_program_id_affiliate_programs"
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


async def found(store: Store, query: str) -> Sequence[str]:
    async with store.read() as connection:
        return list(await connection.scalars(text(query)))


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
    assert not await found(store, SCHEMAS)
    async with store.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM affiliate_programs")) == 2


async def test_tables_that_were_added_later_are_placed_beside_the_others(store: Store) -> None:
    codes = (
        "INSERT INTO unknown_codes (program_id, code, clicks, last_page, first_seen_at, last_seen_at) "
        "SELECT id, 'CODE', 7, '', now(), now() FROM affiliate_programs"
    )
    later = ("unknown_codes", "secrets")
    await distributed(store)
    for table in later:
        async with store.write() as connection:
            # As if it was new.
            await connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {PROGRAM_OF_CODE}"))
            await connection.execute(text(f"SELECT undistribute_table('{table}')"))
    async with store.write() as connection:
        await connection.execute(text("INSERT INTO affiliate_programs (name) VALUES ('One'), ('Two')"))
        await connection.execute(text(codes))
    assert await distributed(store) == len(later)
    status = await cluster_status(store)
    assert status is not None
    assert not status.undistributed
    async with store.read() as connection:
        both = "SELECT count(*) FROM unknown_codes JOIN affiliate_programs ON id = program_id WHERE clicks = 7"
        assert await connection.scalar(text(both)) == 2


async def test_a_run_that_is_killed_leaves_a_database_that_goes_on_and_can_be_distributed(undistributed: str) -> None:
    async with running_gateway(undistributed) as gateway:
        await gateway.link()
        command = subprocess.Popen(
            [COMMAND, "db", "distribute", "--shards", str(SHARDS)],
            env=environment(undistributed),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        async with asyncio.timeout(60):
            while not await found(gateway.store, TRIGGERS):
                await asyncio.sleep(0.02)
                assert command.poll() is None
        assert (await gateway.track(event_id="1")).status_code == 200
        await kill(command)
        assert (await gateway.track(event_id="2")).status_code == 200
        status = await cluster_status(gateway.store)
        assert status is not None
        assert not status.distributed
        assert await gateway.recorded() == 2
        assert await found(gateway.store, SCHEMAS)
        assert await distributed(gateway.store) == len(DISTRIBUTED) + len(REFERENCE)
        assert not await found(gateway.store, SCHEMAS)
        assert (await gateway.track(event_id="3")).status_code == 200
        assert await gateway.recorded() == 3


async def test_the_month_turns_while_tables_are_distributed(
    undistributed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that turns the month records clicks in a partition that was empty when it was copied."""
    catch_up = copying.catch_up
    async with running_gateway(undistributed) as gateway:
        await gateway.link()
        assert (await gateway.track()).status_code == 200

        async def turn(*arguments: Any) -> None:
            await go_to(gateway.store, this_month().later(1))
            async with gateway.store.write() as connection:
                for command in FENCE_WRITERS:
                    await connection.execute(text(command))
            assert (await gateway.track()).status_code == 200
            await catch_up(*arguments)

        monkeypatch.setattr(distributing, "catch_up", turn)
        await distributed(gateway.store)
        assert (await gateway.track()).status_code == 200
        months = {month_of(event["id"]) for event in await gateway.events()}
        assert months == {this_month(), this_month().later(1)}
        assert await gateway.recorded() >= 3


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
