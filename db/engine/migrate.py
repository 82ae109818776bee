"""Upgrades of a database's schema to this version, with Alembic.

Alembic is configured in code, because an installed gateway has no ini file. Importing Alembic takes longer than most
commands run, so this module is imported only after `db.engine.schema_revision` found an outdated schema.
"""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from db.engine.distribution_lock import keep_undistributed
from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store
from db.errors import SchemaOutdated

logger = logging.getLogger(__name__)

# The key of an advisory lock, the same for every gateway: its holder upgrades, the others wait and then have nothing
# to do.
UPGRADE_LOCK = 0x636C69636B67
# Waits for the batches in progress and blocks later ones. Afterwards gateways of the previous version no longer find
# their row in `click_writers` and cannot commit, see `db.ingest.registration`.
FENCE_WRITERS = (
    "LOCK TABLE click_writers IN EXCLUSIVE MODE",
    "UPDATE click_writers SET occurred_from = (SELECT max(occurred_from) FROM click_writers) WHERE id = 0",
    "DELETE FROM click_writers WHERE id > 0",
)


async def upgrade(store: Store) -> None:
    """Run the pending migrations in one transaction. Several processes may call this at the same time.

    A SQLite file is upgraded only while no other process has it open, since a gateway of an older version would write
    rows that do not fit the new schema. The store's own idle connections are closed first. Raises `FileInUse`, and
    `SchemaOutdated` while the tables are being distributed.
    """
    if store.is_sqlite:
        await store.close()
        async with exclusive_transaction(store.url) as connection:
            await connection.run_sync(_log_upgrade)
            await connection.run_sync(_upgrade)
        return
    async with store.write(may_wait=True) as connection:
        if not await keep_undistributed(connection):
            raise SchemaOutdated(
                "the schema cannot be upgraded while `clickgate db distribute` runs: try again when it has ended"
            )
        await store.take_lock(connection, UPGRADE_LOCK)
        await connection.run_sync(_log_upgrade)
        await connection.run_sync(_upgrade)


def _log_upgrade(connection: Connection) -> None:
    """Log that an upgrade begins, unless the database is empty. Called once its locks are held."""
    found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    if found not in (None, wanted):
        logger.info("upgrading the schema from %s to %s; this takes minutes with millions of clicks", found, wanted)


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
