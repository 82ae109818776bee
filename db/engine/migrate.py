"""Bring a database's schema to this version's.

Alembic is configured here, in code: an installed gateway has no ini file. To import it takes longer than
most commands do, and only a database that is behind needs it; whether one is, `db.engine.schema_revision` tells.
"""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store

logger = logging.getLogger(__name__)

# Any number, the same for every gateway: who holds it upgrades, the others wait and then find nothing left to do.
UPGRADE_LOCK = 0x636C69636B67
# Batches under way are waited for, later ones wait; then no gateway of the version before finds its row and commits
# anything, see `db.ingest.registration`.
FENCE_WRITERS = (
    "LOCK TABLE click_writers IN EXCLUSIVE MODE",
    "UPDATE click_writers SET occurred_from = (SELECT max(occurred_from) FROM click_writers) WHERE id = 0",
    "DELETE FROM click_writers WHERE id > 0",
)


async def upgrade(store: Store) -> None:
    """Run the migrations that the database lacks, in one transaction. Safe when several processes start at once.

    A SQLite file is upgraded only while nobody else has it open, and the store's own idle connections are closed for
    that: a gateway of the older version would go on writing what the new schema does not expect. Raises `FileInUse`.
    """
    if store.is_sqlite:
        await store.close()
        async with exclusive_transaction(store.url) as connection:
            await connection.run_sync(_tell)
            await connection.run_sync(_upgrade)
        return
    async with store.write(may_wait=True) as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        await connection.run_sync(_tell)
        await connection.run_sync(_upgrade)


def _tell(connection: Connection) -> None:
    """Log that an upgrade begins, of a database that has a schema; its locks are held by now."""
    found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found not in (None, wanted):
        logger.info("upgrading the schema from %s to %s; with millions of clicks this takes minutes", found, wanted)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations").replace("%", "%%"))
    return config


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    newest = ScriptDirectory.from_config(config).get_current_head()
    is_behind = MigrationContext.configure(connection).get_current_revision() != newest
    if is_behind and connection.dialect.name == "postgresql" and inspect(connection).has_table("click_writers"):
        for statement in FENCE_WRITERS:
            connection.execute(text(statement))
    command.upgrade(config, "head")
