"""The script that follows clicks: its copy equals what was recorded, even if it or the gateway is killed."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from db.schema.tokens import ApiToken
from graph.query.global_ids import encode_id
from tests.support.click_apis import CLICK
from tests.support.databases import MakeDatabase
from tests.support.example_files import EXAMPLES
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.processes import clickgate, free_port, kill, serving

pytestmark = pytest.mark.slow

SCRIPT = EXAMPLES / "follow-clicks" / "follow_clicks.py"
SECONDS = 60
# A page has a hundred clicks, so the script is killed both between pages and within one.
BACKLOG = 500
KILLS = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """The database that the script writes."""

    path: Path

    def ids(self) -> list[str]:
        """Return the ids of the clicks in the order in which they were stored."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(self.path, timeout=20)) as connection:
            if not connection.execute("SELECT name FROM sqlite_schema WHERE name = 'clicks'").fetchone():
                return []
            return [id for (id,) in connection.execute("SELECT id FROM clicks ORDER BY rowid")]

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path, timeout=20)) as connection, connection:
            connection.execute(statement)

    async def until(self, done: Callable[[list[str]], bool], script: subprocess.Popen[str]) -> None:
        async with asyncio.timeout(SECONDS):
            while not done(await asyncio.to_thread(self.ids)):
                assert script.poll() is None, script.communicate()
                await asyncio.sleep(0.01)


@contextmanager
def following(gateway_url: str, token: str, copy: Copy) -> Iterator[subprocess.Popen[str]]:
    """Run the script, and kill it afterwards."""
    script = subprocess.Popen(
        [sys.executable, SCRIPT, gateway_url, copy.path],
        env={**os.environ, "CLICKS_TOKEN": token},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield script
    finally:
        script.kill()
        script.communicate()


async def recorded(gateway: Gateway) -> list[str]:
    """Return the ids of all clicks in the order in which the script gets them."""
    events = sorted(await gateway.events(), key=lambda event: (event["occurred_at"], event["id"]))
    return [encode_id("ClickEvent", event["program_id"], event["id"]) for event in events]


async def followed_while_clicks_arrive(*gateways: Gateway, copy: Copy) -> None:
    """Send clicks to all gateways while the script follows the first one and is killed again and again."""
    first = gateways[0]
    await first.link()
    # Other gateways learn of a link within a second.
    await asyncio.sleep(1.1)
    token, ended = await first.token(), asyncio.Event()

    async def send(gateway: Gateway) -> None:
        while not ended.is_set():
            assert (await gateway.track()).status_code == 200
            await asyncio.sleep(0.01)

    for _ in range(BACKLOG // 20):
        await asyncio.gather(*(first.track() for _ in range(20)))
    async with asyncio.TaskGroup() as sending:
        for gateway in gateways:
            sending.create_task(send(gateway))
        for _ in range(KILLS):
            before = len(copy.ids())
            with following(str(first.http.base_url), token, copy) as script:
                await copy.until(lambda ids, before=before: len(ids) > before, script)  # type: ignore[misc]
        ended.set()
    expected = await recorded(first)
    assert len(expected) > BACKLOG
    with following(str(first.http.base_url), token, copy) as script:
        await copy.until(lambda ids: len(ids) >= len(expected), script)
    assert copy.ids() == expected


async def test_a_killed_follower_loses_and_duplicates_nothing(gateway: Gateway, tmp_path: Path) -> None:
    await followed_while_clicks_arrive(gateway, copy=Copy(tmp_path / "clicks.db"))


@pytest.mark.parametrize("failing", ["INSERT ON clicks WHEN (SELECT count(*) FROM clicks) = 2", "UPDATE ON position"])
async def test_a_page_is_stored_with_its_cursor_or_not_at_all(
    make_sqlite: MakeDatabase, tmp_path: Path, failing: str
) -> None:
    copy = Copy(tmp_path / "clicks.db")
    async with running_gateway(make_sqlite()) as gateway:
        url, token = str(gateway.http.base_url), await gateway.token()
        await gateway.link()
        await gateway.track()
        with following(url, token, copy) as script:
            await copy.until(lambda ids: len(ids) == 1, script)
        for _ in range(3):
            await gateway.track()
        copy.change(f"CREATE TRIGGER cut BEFORE {failing} BEGIN SELECT RAISE(ABORT, 'cut off'); END")
        with following(url, token, copy) as script:
            _, told = await asyncio.to_thread(script.communicate, timeout=20)
        assert (script.returncode, told.splitlines()[-1]) == (1, "sqlite3.IntegrityError: cut off")
        assert len(copy.ids()) == 1
        copy.change("DROP TRIGGER cut")
        with following(url, token, copy) as script:
            await copy.until(lambda ids: len(ids) == 4, script)
        assert copy.ids() == await recorded(gateway)


async def test_the_clicks_of_several_gateways_are_followed_through_one(
    make_postgres: MakeDatabase, tmp_path: Path
) -> None:
    url = make_postgres()
    async with running_gateway(url) as one, running_gateway(url) as other:
        await followed_while_clicks_arrive(one, other, copy=Copy(tmp_path / "clicks.db"))


async def test_the_follower_waits_for_an_unavailable_gateway(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    database_url = make_sqlite()
    await make_link(database_url)
    token = json.loads(clickgate(database_url, "token", "issue", "--role", "admin").stdout)["token"]
    copy, port = Copy(tmp_path / "clicks.db"), free_port()
    visit = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}
    with following(f"http://127.0.0.1:{port}/", token, copy) as script:
        for clicks in (1, 2, 3):
            async with serving(database_url, port=port) as (process, base), httpx.AsyncClient() as http:
                assert (await http.post(base + CLICK, json=visit)).status_code == 200
                await copy.until(lambda ids, clicks=clicks: len(ids) == clicks, script)  # type: ignore[misc]
                await kill(process)


async def test_a_refused_token_stops_the_follower_with_the_reason(gateway: Gateway, tmp_path: Path) -> None:
    copy = Copy(tmp_path / "clicks.db")
    with following(str(gateway.http.base_url), await gateway.token(), copy) as script:
        await gateway.link()
        await gateway.track()
        await copy.until(lambda ids: len(ids) == 1, script)
        await gateway.execute(update(ApiToken).values(revoked_at=gateway.context.services.clock()))
        _, told = await asyncio.to_thread(script.communicate, timeout=20)
    assert (script.returncode, len(told.splitlines())) == (1, 1)
    assert "401" in told


async def test_an_unknown_cursor_stops_the_follower_with_the_reason(gateway: Gateway, tmp_path: Path) -> None:
    copy = Copy(tmp_path / "clicks.db")
    url, token = str(gateway.http.base_url), await gateway.token()
    await gateway.link()
    await gateway.track()
    with following(url, token, copy) as script:
        await copy.until(lambda ids: len(ids) == 1, script)
    copy.change("UPDATE position SET cursor = 'nonsense'")
    with following(url, token, copy) as script:
        _, told = await asyncio.to_thread(script.communicate, timeout=20)
    assert script.returncode == 1
    assert "after is not a valid cursor" in told
