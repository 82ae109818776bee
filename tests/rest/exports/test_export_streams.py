"""An export while it is sent: to slow clients and to those who leave, while rows arrive, the database fails, or the
gateway stops."""

import asyncio
import re
from random import Random
from time import monotonic
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from db.schema.tokens import ApiToken
from rest.exports import slots
from tests.support.captured_log import Log
from tests.support.databases import MakeDatabase
from tests.support.export_readers import (
    LAST_CHUNK,
    make_wide_clicks,
    measured,
    none_running,
    slow_reader,
    stalled,
)
from tests.support.exports import exported, json_rows, path_of
from tests.support.gateways import Gateway, body_of, running_gateway
from tests.support.visibility_world import global_id

pytestmark = pytest.mark.slow

# Many more than the buffers of a connection take.
CLICKS = 6000
# The time for closing a connection whose client does not read, and for stopping the rest.
STOP_SECONDS = 6


@pytest.fixture
async def token(gateway: Gateway) -> str:
    await make_wide_clicks(gateway, CLICKS)
    return await gateway.token()


async def test_an_export_resumes_wherever_it_was_cut(gateway: Gateway, token: str) -> None:
    whole = json_rows(await exported(gateway, token, "clicks"))
    assert len(whole) == CLICKS
    random, found, given = Random(7), list[Any](), dict[str, str]()
    for _ in range(4):
        async with slow_reader(gateway, token, **given) as client:
            await client.head()
            await client.read(random.randrange(4000, 3_000_000))
        found += client.rows()
        given = {"after": found[-1]["cursor"]}
    found += json_rows(await exported(gateway, token, "clicks", **given))
    assert found == whole
    await none_running()


async def test_rows_that_exist_at_the_start_come_once_while_others_arrive(gateway: Gateway, token: str) -> None:
    before = {event["id"] for event in await gateway.events()}
    async with slow_reader(gateway, token) as client:
        await client.head()
        for _ in range(5):
            await client.read(500_000)
            assert (await gateway.track()).status_code == 200
        await client.read_to_end()
    ids = [row["database_id"] for row in client.rows()]
    assert len(ids) == len(set(ids))
    assert set(ids) == before
    assert client.received.endswith(LAST_CHUNK)


async def test_a_slow_client_holds_neither_memory_nor_the_database(gateway: Gateway, token: str) -> None:
    idle = await _connections(gateway)
    sent = measured("clickgate_export_rows_total", list="clicks")
    async with slow_reader(gateway, token) as client:
        await client.head()
        assert await stalled() - sent < CLICKS
        assert measured("clickgate_exports_running") == 1
        await _released(gateway, idle)
        await client.read_to_end()
    assert len(client.rows()) == CLICKS


async def test_an_export_ends_with_its_client(gateway: Gateway, token: str) -> None:
    gone = measured("clickgate_exports_total", list="clicks", outcome="client_gone")
    sent = measured("clickgate_export_rows_total", list="clicks")
    async with slow_reader(gateway, token) as client:
        await client.head()
        await stalled()
    await none_running()
    assert measured("clickgate_exports_total", list="clicks", outcome="client_gone") == gone + 1
    assert await stalled() - sent < CLICKS


async def test_an_export_that_fails_is_not_completed(gateway: Gateway, token: str, log: Log) -> None:
    async with slow_reader(gateway, token) as client:
        await client.head()
        await stalled()
        await gateway.execute(text("ALTER TABLE affiliate_click_events RENAME TO lost"))
        await client.read_to_end()
    assert 0 < len(client.rows()) < CLICKS
    assert not client.received.endswith(LAST_CHUNK)
    assert "an export of clicks was broken off after" in log.text
    await none_running()


async def test_a_client_of_a_library_sees_that_an_export_is_broken_off(gateway: Gateway, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    async with gateway.http.stream("GET", path_of("clicks", "csv"), headers=headers) as answer:
        assert answer.status_code == 200
        await stalled()
        await gateway.execute(text("ALTER TABLE affiliate_click_events RENAME TO lost"))
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await answer.aread()


async def test_an_export_that_cannot_begin_is_refused(gateway: Gateway, token: str) -> None:
    await gateway.execute(text("ALTER TABLE affiliate_click_events RENAME TO lost"))
    answer = await exported(gateway, token, "clicks")
    assert (answer.status_code, body_of(answer)["code"]) == (503, "database_away")
    assert int(answer.headers["Retry-After"]) > 0
    assert measured("clickgate_exports_running") == 0


async def test_the_export_of_a_revoked_token_ends(
    gateway: Gateway, token: str, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graph.exports.reader.CHECK_SECONDS", 0)
    admin = await gateway.token()
    async with slow_reader(gateway, token) as client:
        await client.head()
        await stalled()
        (first, _) = await gateway.rows(ApiToken)
        revoke = f'mutation {{ revokeToken(input: {{id: "{global_id("ApiToken", first)}"}}) {{ apiToken {{ id }} }} }}'
        assert "errors" not in await gateway.graphql(revoke, token=admin)
        await client.read_to_end()
    assert not client.received.endswith(LAST_CHUNK)
    assert "an export of clicks was broken off after" in log.text


async def test_a_token_has_a_few_exports_at_a_time(gateway: Gateway, token: str) -> None:
    other = await gateway.token("partner", partner_id=(await gateway.link_row())["partner_id"])
    readers = [slow_reader(gateway, token) for _ in range(slots.AT_ONCE_PER_TOKEN)]
    for reader in readers:
        await (await reader.__aenter__()).head()
    answer = await exported(gateway, token, "programs")
    assert (answer.status_code, body_of(answer)["code"]) == (429, "too_many_exports")
    assert int(answer.headers["Retry-After"]) > 0
    assert (await exported(gateway, other, "programs")).status_code == 200
    for reader in readers:
        await reader.__aexit__(None, None, None)
    await none_running()
    assert (await exported(gateway, token, "programs")).status_code == 200


async def test_a_gateway_has_some_exports_at_a_time(
    gateway: Gateway, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "AT_ONCE", 1)
    async with slow_reader(gateway, token) as client:
        await client.head()
        answer = await exported(gateway, await gateway.token(), "programs")
        assert (answer.status_code, body_of(answer)["code"]) == (503, "exports_busy")
        assert int(answer.headers["Retry-After"]) > 0
    await none_running()


async def test_a_gateway_that_stops_does_not_wait_for_exports(make_sqlite: MakeDatabase) -> None:
    async with running_gateway(make_sqlite()) as gateway:
        await make_wide_clicks(gateway, CLICKS)
        reader = slow_reader(gateway, await gateway.token())
        client = await reader.__aenter__()
        await client.head()
        await stalled()
        began = monotonic()
    assert monotonic() - began < STOP_SECONDS
    assert not client.received.endswith(LAST_CHUNK)
    await reader.__aexit__(None, None, None)
    await none_running()


async def _released(gateway: Gateway, idle: list[str]) -> None:
    """Wait until no connection is in use and no transaction is open. The consumers of the outbox hold some for moments,
    but an export that did so while it waits for its client would hold one for as long."""
    async with asyncio.timeout(10):
        while await _connections(gateway) != idle or await _transactions(gateway) != 0:
            await asyncio.sleep(0.05)


async def _connections(gateway: Gateway) -> list[str]:
    """Return the numbers of the pools' connections that are in use."""
    scraped = (await gateway.http.get("/metrics")).text
    return re.findall(r'clickgate_pool_connections{.*state="in_use"} (.*)', scraped)


async def _transactions(gateway: Gateway) -> int:
    """Return how many transactions keep old rows, other than this one."""
    if gateway.store.is_sqlite:
        async with gateway.store.database.engine.connect() as connection:
            return int((await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one())
    async with gateway.store.read() as connection:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return int(await connection.scalar(text(f"{sql} AND backend_xmin IS NOT NULL")) or 0)
