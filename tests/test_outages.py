"""A database that records nothing, in every way that one may: the gateway is not ready and says so in one line, answers
503, and heals by itself."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from db.committer import Committer
from db.errors import DatabaseAway
from db.probe import Probe
from db.store import Store
from db.tables import ClickRollup, IdBlock, QueuedClicks
from db.writer import ClickWriter
from gateway.health import ASK_SECONDS
from gateway.metrics import WriterMetrics
from tests.databases import MakeDatabase
from tests.gateways import Gateway, body_of, make_link, running_gateway
from tests.log import Log

ROLES = count(1)
# Readiness is found out once a second, and an outage's end, too.
HEALED_SECONDS = 5 * ASK_SECONDS
CLICK_TABLES = (
    "affiliate_click_events",
    "affiliate_click_test_events",
    "customers",
    "referral_links",
    "partner_programs",
    "click_rollup_queue",
    "id_blocks",
)
INSERTED = ("affiliate_click_events", "affiliate_click_test_events", "customers", "click_rollup_queue")
COUNTED = ("referral_links", "partner_programs", "id_blocks", "customers")


async def readiness(gateway: Gateway) -> httpx.Response:
    """Ask for it, when it is not known from the last time any more."""
    await asyncio.sleep(ASK_SECONDS)
    return await gateway.http.get("/readyz")


async def check_ready(gateway: Gateway) -> None:
    """Check that everything works: readiness, clicks, mutations, reads; within a second or two."""
    async with asyncio.timeout(HEALED_SECONDS):
        while (await gateway.http.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    assert (await gateway.track()).status_code == 200
    token = await gateway.token()
    mutation = 'mutation { createProgram(input: {name: "Healed"}) { program { name } } }'
    assert (await gateway.graphql(mutation, token=token))["data"]["createProgram"]["program"] == {"name": "Healed"}
    assert "errors" not in await gateway.graphql("{ programs { nodes { name } } }", token=token)


async def check_not_ready(gateway: Gateway) -> str:
    """Check that the gateway says that it is not ready, and return why, if it says that."""
    answer = await readiness(gateway)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    body = body_of(answer)
    assert (body["status"], body["database"], body["queue"]) == ("not ready", "away", "ok")
    return str(body.get("reason", ""))


@asynccontextmanager
async def session(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@asynccontextmanager
async def with_role(url: str) -> AsyncIterator[tuple[Gateway, asyncpg.Connection, str]]:
    """Run a gateway that is an ordinary role to the database; yield it, the owner's session and the role."""
    await make_link(url)
    role = f"clicks_role_{next(ROLES)}"
    async with session(url) as owner:
        await owner.execute(
            f"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
            f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
        )
        parts = urlsplit(url)
        theirs = urlunsplit(parts._replace(netloc=f"{role}@"))
        async with running_gateway(theirs) as gateway:
            await check_ready(gateway)
            yield gateway, owner, role


async def test_probing_leaves_nothing_behind(gateway: Gateway) -> None:
    await gateway.link()
    await gateway.track()
    tables = (IdBlock, QueuedClicks, ClickRollup)
    before = [await gateway.rows(table) for table in tables], await gateway.link_row(), await gateway.memberships()
    for _ in range(3):
        assert (await readiness(gateway)).status_code == 200
    after = [await gateway.rows(table) for table in tables], await gateway.link_row(), await gateway.memberships()
    assert after == before
    assert len(await gateway.events()) == len(await gateway.customers()) == 1
    assert await gateway.test_events() == []
    first = (await gateway.events())[0]["id"]
    await gateway.track()
    assert [event["id"] for event in await gateway.events()] == [first, first + 1]
    assert await gateway.recorded() == 2


async def test_a_database_without_a_link_is_ready(gateway: Gateway) -> None:
    assert (await readiness(gateway)).status_code == 200
    assert await gateway.rows(QueuedClicks) == []


async def test_however_many_ask_the_database_is_probed_once_a_second(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    await gateway.link()
    await readiness(gateway)
    probes = 0
    run = Probe.run

    async def counted(self: Probe, connection: object) -> None:
        nonlocal probes
        probes += 1
        await run(self, connection)  # type: ignore[arg-type]

    monkeypatch.setattr(Probe, "run", counted)
    await asyncio.sleep(ASK_SECONDS)
    answers = await asyncio.gather(*(gateway.http.get("/readyz") for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert probes <= 2


@pytest.mark.parametrize("table", CLICK_TABLES)
async def test_a_locked_table_is_not_ready(make_postgres: MakeDatabase, table: str) -> None:
    url = make_postgres()
    await make_link(url)
    async with running_gateway(url) as gateway, session(url) as other:
        await check_ready(gateway)
        await other.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        assert not await check_not_ready(gateway)
        await other.execute("ROLLBACK")
        await check_ready(gateway)


@pytest.mark.parametrize(
    "privilege", [*(f"INSERT ON {table}" for table in INSERTED), *(f"UPDATE ON {table}" for table in COUNTED)]
)
async def test_a_revoked_permission_is_an_outage(make_postgres: MakeDatabase, log: Log, privilege: str) -> None:
    async with with_role(make_postgres()) as (gateway, owner, role):
        await owner.execute(f"REVOKE {privilege} FROM {role}")
        for _ in range(3):
            answer = await gateway.track(None, additional_data={"test_mode": True})
            assert answer.status_code in (200, 503)
            assert (await gateway.track()).status_code in (200, 503)
        assert await check_not_ready(gateway) == "the database denies permission"
        await owner.execute(f"GRANT {privilege} TO {role}")
        await check_ready(gateway)
    began, *_ = log.complaints
    assert began.startswith("the database is away: permission denied for table")


async def test_clicks_without_permission_are_told_in_two_lines(make_postgres: MakeDatabase, log: Log) -> None:
    async with with_role(make_postgres()) as (gateway, owner, role):
        await owner.execute(f"REVOKE INSERT ON affiliate_click_events FROM {role}")
        answers = await asyncio.gather(*(gateway.track() for _ in range(50)))
        assert {answer.status_code for answer in answers} == {503}
        await owner.execute(f"GRANT INSERT ON affiliate_click_events TO {role}")
        await check_ready(gateway)
    began, ended = log.complaints
    assert began == "the database is away: permission denied for table affiliate_click_events"
    assert ended == "the database is back, clicks are recorded again"


SESSION_DEFAULTS = {
    "default_transaction_read_only = on": "the database is read-only",
    "statement_timeout = 1": "",
    "search_path = nowhere": "the database's schema is not the one this version needs",
}


CLICKGATE = "application_name = 'clickgate' AND datname ="


@pytest.mark.parametrize("default", SESSION_DEFAULTS)
async def test_a_default_that_sessions_had_for_a_moment_is_forgotten(make_postgres: MakeDatabase, default: str) -> None:
    url = make_postgres()
    name = urlsplit(url).path.lstrip("/")
    await make_link(url)
    async with running_gateway(url) as gateway, session(url) as other:
        await check_ready(gateway)
        token = await gateway.token()
        await other.execute(f"ALTER DATABASE {name} SET {default}")
        # Every connection is a new one, as after a failover.
        await other.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {CLICKGATE} '{name}'")
        if "timeout" in default:
            await other.execute("BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
        assert await check_not_ready(gateway) == SESSION_DEFAULTS[default]
        mutation = 'mutation { createProgram(input: {name: "Never"}) { program { name } } }'
        await asyncio.gather(*(gateway.graphql(mutation, token=token) for _ in range(5)))
        await gateway.track()
        if "timeout" in default:
            await other.execute("ROLLBACK")
        await other.execute(f"ALTER DATABASE {name} RESET ALL")
        await check_ready(gateway)


async def test_a_missing_table_is_an_outage(gateway: Gateway, log: Log) -> None:
    await gateway.link()
    await gateway.execute(text("ALTER TABLE affiliate_click_events RENAME TO elsewhere"))
    for _ in range(3):
        assert (await gateway.track()).status_code == 503
    assert await check_not_ready(gateway) == "the database's schema is not the one this version needs"
    await gateway.execute(text("ALTER TABLE elsewhere RENAME TO affiliate_click_events"))
    await check_ready(gateway)
    assert len(log.complaints) == 2


async def test_a_dropped_database_and_a_lost_role_are_outages(make_postgres: MakeDatabase, log: Log) -> None:
    url = make_postgres()
    async with with_role(url) as (gateway, owner, role):
        await owner.execute(f"ALTER ROLE {role} NOLOGIN")
        await owner.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
        assert (await gateway.track()).status_code == 503
        assert await check_not_ready(gateway) == "the database refuses to let the gateway in"
        await owner.execute(f"ALTER ROLE {role} LOGIN CONNECTION LIMIT 0")
        async with asyncio.timeout(HEALED_SECONDS):
            while await check_not_ready(gateway) != "the database has no connection left":
                pass
        await owner.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
        await check_ready(gateway)
    assert len(log.complaints) == 2


@contextmanager
def small_disk(folder: Path, size: str = "4m") -> Iterator[Path]:
    """Mount a small disk, which takes the privileges of root."""
    if os.system(f"mount -t tmpfs -o size={size} tmpfs {folder} 2>/dev/null"):
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        os.system(f"umount -l {folder}")


def fill(file: Path) -> None:
    """Write until the disk has no room."""
    with open(file, "wb", buffering=0) as output, suppress(OSError):
        while True:
            output.write(bytes(4096))


async def test_a_full_disk_is_an_outage_until_there_is_room(
    make_sqlite: MakeDatabase, tmp_path: Path, log: Log
) -> None:
    template = Path(make_sqlite().removeprefix("sqlite:///"))
    with small_disk(tmp_path) as disk:
        (disk / "clicks.db").write_bytes(template.read_bytes())
        url = f"sqlite:///{disk / 'clicks.db'}"
        await make_link(url)
        async with running_gateway(url) as gateway:
            await check_ready(gateway)
            filling = disk / "filling"
            fill(filling)
            for _ in range(3):
                assert (await gateway.track()).status_code == 503
            assert await check_not_ready(gateway) == "the database has no space or memory left"
            filling.unlink()
            await check_ready(gateway)
            assert await gateway.recorded() == 2
    assert len(log.complaints) == 2


async def test_a_damaged_page_is_an_outage(make_sqlite: MakeDatabase, log: Log) -> None:
    url = make_sqlite()
    await make_link(url)
    path = Path(url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'customers'").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    async with running_gateway(url) as gateway:
        assert await check_not_ready(gateway) == "the database is damaged"
        assert (await gateway.track()).status_code == 503
    assert len(log.complaints) == 1


async def test_a_locked_file_is_not_ready(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    await make_link(url)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    async with running_gateway(url) as gateway:
        await check_ready(gateway)
        other.execute("BEGIN EXCLUSIVE")
        assert not await check_not_ready(gateway)
        other.rollback()
        await check_ready(gateway)
    other.close()


async def test_a_writer_that_is_closed_during_a_probe_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    committer, probing, may_end = Committer(store), asyncio.Event(), asyncio.Event()
    probe = committer.probe

    async def held() -> None:
        probing.set()
        await may_end.wait()
        await probe()

    monkeypatch.setattr(committer, "probe", held)
    writer = ClickWriter(committer, queue_clicks=10, observer=WriterMetrics())
    writer.start()
    proving = asyncio.create_task(writer.prove())
    await probing.wait()
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    may_end.set()
    async with asyncio.timeout(5):
        await closing
        with pytest.raises(DatabaseAway):
            await proving
