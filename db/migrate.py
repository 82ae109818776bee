"""Bring a database's schema to this version's, or tell that it is not there yet.

Alembic is configured here, in code: an installed gateway has no ini file.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from db.errors import SchemaOutdated
from db.store import Store

# Any number, the same for every gateway: who holds it upgrades, the others wait and then find nothing left to do.
UPGRADE_LOCK = 0x636C69636B67


async def upgrade(store: Store) -> None:
    """Run the migrations that the database lacks, in one transaction. Safe when several processes start at once."""
    async with store.write() as connection:
        if not store.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        await connection.run_sync(_upgrade)


async def ensure_current(store: Store, *, may_upgrade: bool) -> None:
    """Return if the schema is this version's. An older one is upgraded where allowed (a SQLite file always is: it
    belongs to this gateway alone). Raises `SchemaOutdated` otherwise."""
    async with store.read() as connection:
        found, wanted = await connection.run_sync(_revision), _head()
    if found == wanted:
        return
    if found is not None and found not in _known():
        raise SchemaOutdated(f"the database's schema ({found}) is of a newer clickgate than this one ({wanted})")
    if not (may_upgrade or store.is_sqlite):
        raise SchemaOutdated(
            f"the database's schema is {found or 'empty'}, this clickgate needs {wanted}: "
            "run `clickgate db upgrade`, or start with `--upgrade`"
        )
    await upgrade(store)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
