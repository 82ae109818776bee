"""The metrics of a running gateway on the database and on GraphQL."""

import asyncio
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from db.engine.sqlite.checkpoints import CHECKPOINT_SECONDS
from tests.support.captured_log import Log
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.graphql_sockets import Subscriber, opened

SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>[0-9.e+-]+)")


async def scraped(gateway: Gateway) -> Mapping[str, float]:
    """Return all samples by their names and labels as written."""
    lines = (await gateway.http.get("/metrics")).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if SAMPLE.fullmatch(line)}


async def test_pools_and_the_write_ahead_log_are_measured(gateway: Gateway) -> None:
    await gateway.link()
    await gateway.track()
    samples = await scraped(gateway)
    assert samples["clickgate_database_available"] == 1
    assert samples['clickgate_pool_connections{pool="general",state="in_use"}'] >= 0
    assert samples['clickgate_pool_waiting{pool="general"}'] == 0
    if gateway.store.is_sqlite:
        assert samples["clickgate_database_log_bytes"] > 0
    reading = (samples[f'clickgate_pool_connections{{pool="reading",state="{s}"}}'] for s in ("in_use", "idle"))
    assert sum(reading) >= 1


async def test_the_rollup_backlog_is_measured(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.metrics.SAMPLE_SECONDS", 0.1)
    monkeypatch.setattr("db.outbox.runner.RUN_SECONDS", 60)
    async with running_gateway(database_url) as gateway, asyncio.timeout(20):
        await gateway.link()
        # Other gateways of this process, which tests share, measure a backlog of their own in turns with this one.
        for clicks in count(1):
            await gateway.track()
            if _has_backlog(await scraped(gateway), clicks):
                return
            await asyncio.sleep(0.02)


def _has_backlog(samples: Mapping[str, float], most: int) -> bool:
    waiting = samples["clickgate_rollup_waiting_clicks"]
    return (
        3 <= waiting <= most
        and samples['clickgate_outbox_waiting_events{consumer="rollups"}'] == waiting
        and 0 < samples["clickgate_rollup_waiting_seconds"] < 60
        and 0 < samples['clickgate_outbox_waiting_seconds{consumer="rollups"}'] < 60
    )


async def test_graphql_operations_are_counted_by_kind_outcome_and_code(gateway: Gateway) -> None:
    async def operations(kind: str, outcome: str) -> float:
        name = f'clickgate_graphql_operations_total{{kind="{kind}",outcome="{outcome}"}}'
        return (await scraped(gateway)).get(name, 0)

    token = await gateway.token()
    cases = (
        ("{ __typename }", "query", "ok"),
        ("{ programs { nodes { name } } }", "query", "failed"),
        ("{ nothing }", "query", "refused"),
        ('mutation { createProgram(input: {name: "A"}) { program { name } } }', "mutation", "ok"),
        ("{", "none", "refused"),
    )
    for document, kind, outcome in cases:
        before = await operations(kind, outcome)
        await gateway.graphql(document, token=None if outcome == "failed" else token)
        assert await operations(kind, outcome) == before + 1, document
    samples = await scraped(gateway)
    assert samples['clickgate_graphql_errors_total{code="UNAUTHENTICATED"}'] >= 1
    assert samples['clickgate_graphql_seconds_count{kind="query"}'] >= 3


async def test_open_subscriptions_are_counted(gateway: Gateway) -> None:
    token = await gateway.token()
    open_before = (await scraped(gateway)).get("clickgate_graphql_subscriptions", 0)
    async with opened(str(gateway.http.base_url), token) as socket:
        await Subscriber(socket).subscribe("subscription { clickTracked { occurredAt } }")
        async with asyncio.timeout(5):
            while (await scraped(gateway))["clickgate_graphql_subscriptions"] != open_before + 1:
                await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        while (await scraped(gateway))["clickgate_graphql_subscriptions"] != open_before:
            await asyncio.sleep(0.05)


async def test_a_scrape_does_not_query_the_database(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    async with running_gateway(url) as gateway:
        await gateway.track()
        before = await scraped(gateway)
        answers = await asyncio.gather(*(gateway.http.get("/metrics") for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        after = await scraped(gateway)
    total = 'clickgate_pool_connections{pool="general",state="idle"}'
    assert after[total] <= before[total] + 1  # possibly for the aggregator


@pytest.mark.slow
async def test_a_write_ahead_log_kept_long_by_a_reader_is_reported_once_and_emptied_afterwards(
    make_sqlite: MakeDatabase, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    monkeypatch.setattr("db.engine.sqlite.checkpoints.LONG_BYTES", 1_000_000)
    url = make_sqlite()
    await make_link(url)
    path = Path(url.removeprefix("sqlite:///"))
    async with running_gateway(url) as gateway:
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM customers").fetchall()
            while (await scraped(gateway))["clickgate_database_log_bytes"] < 2_000_000:
                await asyncio.gather(*(gateway.track() for _ in range(40)))
            await asyncio.sleep(2 * CHECKPOINT_SECONDS)
            await gateway.track()
            await asyncio.sleep(2 * CHECKPOINT_SECONDS)
            told = [record.getMessage() for record in log.records if record.name == "db.engine.sqlite.checkpoints"]
            assert len(told) == 1
            assert "another process holds a transaction open" in told[0]
        async with asyncio.timeout(5):
            while (await scraped(gateway))["clickgate_database_log_bytes"] > 1_000_000:
                await gateway.track()
                await asyncio.sleep(CHECKPOINT_SECONDS)
    assert [record.getMessage() for record in log.records if record.name == "db.engine.sqlite.checkpoints"][1:] == [
        "SQLite's write-ahead log is back to its normal size"
    ]
