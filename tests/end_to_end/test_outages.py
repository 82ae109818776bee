"""Databases that cannot be written, for every possible reason: the gateway is not ready and names the reason, responds
with 503, and recovers without a restart."""

import asyncio
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.ingest.probe import Probe
from db.ingest.writer import Writer
from db.schema.id_blocks import IdBlock
from db.schema.outbox import OutboxRange
from gateway.health import PROBE_INTERVAL_SECONDS
from gateway.metrics import WriterMetrics
from tests.support.captured_log import Log
from tests.support.committers import make_committer
from tests.support.databases import MakeDatabase
from tests.support.gateways import Gateway, make_link, running_gateway
from tests.support.outages import HEALED_SECONDS, check_not_ready, check_ready, readiness, session, with_role
from tests.support.raw_http import exchanged, request

pytestmark = pytest.mark.slow

CLICK_TABLES = (
    "affiliate_click_events",
    "affiliate_click_test_events",
    "customers",
    "referral_links",
    "partner_programs",
    "outbox_ranges",
    "id_blocks",
)
INSERTED = ("affiliate_click_events", "affiliate_click_test_events", "customers", "outbox_ranges")
COUNTED = ("referral_links", "partner_programs", "id_blocks", "customers")


async def test_the_readiness_probe_leaves_no_rows_behind(gateway: Gateway) -> None:
    await gateway.link()
    await gateway.track()

    async def seen() -> list[Any]:
        queued = [(row["id"], row["first_id"], row["last_id"]) for row in await gateway.rows(OutboxRange)]
        return [queued, await gateway.rows(IdBlock), await gateway.link_row(), await gateway.memberships()]

    before = await seen()
    for _ in range(3):
        assert (await readiness(gateway)).status_code == 200
    assert await seen() == before
    assert len(await gateway.events()) == len(await gateway.customers()) == 1
    assert await gateway.test_events() == []
    first = (await gateway.events())[0]["id"]
    await gateway.track()
    assert [event["id"] for event in await gateway.events()] == [first, first + 1]
    assert await gateway.recorded() == 2


async def test_a_database_without_links_is_ready(gateway: Gateway) -> None:
    assert (await readiness(gateway)).status_code == 200
    assert await gateway.rows(OutboxRange) == []


async def test_the_database_is_probed_once_a_second_however_many_clients_ask(
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
    await asyncio.sleep(PROBE_INTERVAL_SECONDS)
    started = monotonic()
    # The clients share the event loop with the writer. Two hundred of httpx's keep a busy machine's for longer than a
    # probe may take.
    ask = request(method="GET", path="/readyz", body=b"")
    assert await asyncio.gather(*(exchanged(gateway, ask) for _ in range(200))) == [[200]] * 200
    assert probes <= 2 + (monotonic() - started) / PROBE_INTERVAL_SECONDS


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
    assert began.startswith("the database is unavailable: permission denied for table")


async def test_an_outage_is_logged_in_two_lines(make_postgres: MakeDatabase, log: Log) -> None:
    async with with_role(make_postgres()) as (gateway, owner, role):
        await owner.execute(f"REVOKE INSERT ON affiliate_click_events FROM {role}")
        answers = await asyncio.gather(*(gateway.track() for _ in range(50)))
        assert {answer.status_code for answer in answers} == {503}
        await owner.execute(f"GRANT INSERT ON affiliate_click_events TO {role}")
        await check_ready(gateway)
    began, ended = log.complaints
    assert began == "the database is unavailable: permission denied for table affiliate_click_events"
    assert ended == "the database is back, clicks and conversions are recorded again"


SESSION_DEFAULTS = {
    "default_transaction_read_only = on": "the database is read-only",
    "statement_timeout = 1": "",
    "search_path = nowhere": "the database's schema is not the one this version needs",
}


CLICKGATE = "application_name = 'clickgate' AND datname ="


@pytest.mark.parametrize("default", SESSION_DEFAULTS)
async def test_a_temporary_session_default_does_not_outlive_the_outage(
    make_postgres: MakeDatabase, default: str
) -> None:
    url = make_postgres()
    name = urlsplit(url).path.lstrip("/")
    await make_link(url)
    async with running_gateway(url) as gateway, session(url) as other:
        await check_ready(gateway)
        token = await gateway.token()
        await other.execute(f"ALTER DATABASE {name} SET {default}")
        # Replaces every connection, like a failover.
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


async def test_a_dropped_database_and_a_dropped_role_are_outages(make_postgres: MakeDatabase, log: Log) -> None:
    url = make_postgres()
    async with with_role(url) as (gateway, owner, role):
        await owner.execute(f"ALTER ROLE {role} NOLOGIN")
        await owner.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
        assert (await gateway.track()).status_code == 503
        assert await check_not_ready(gateway) == "the database rejects the gateway's login"
        await owner.execute(f"ALTER ROLE {role} LOGIN CONNECTION LIMIT 0")
        async with asyncio.timeout(HEALED_SECONDS):
            while await check_not_ready(gateway) != "the database has no connection left":
                pass
        await owner.execute(f"ALTER ROLE {role} CONNECTION LIMIT -1")
        await check_ready(gateway)
    assert len(log.complaints) == 2


async def test_a_writer_that_is_closed_during_a_probe_ends(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    committer, probing, may_end = make_committer(store), asyncio.Event(), asyncio.Event()
    probe = committer.probe

    async def held() -> None:
        probing.set()
        await may_end.wait()
        await probe()

    monkeypatch.setattr(committer, "probe", held)
    writer = Writer(committer, queue_size=10, observer=WriterMetrics())
    writer.start()
    proving = asyncio.create_task(writer.prove())
    await probing.wait()
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    may_end.set()
    async with asyncio.timeout(5):
        await closing
        with pytest.raises(DatabaseUnavailable):
            await proving
