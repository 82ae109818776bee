"""Whether a database's schema is this version's: the one question about migrations that every start asks."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from db.errors import SchemaOutdated, UnusableDatabase
from db.store import Store
from db.tables import Base

logger = logging.getLogger(__name__)

# By the files of the migrations, whose names begin with them, the newest last.
REVISIONS = sorted(
    file.name.partition("_")[0] for file in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*_*.py")
)


async def ensure_current(store: Store, *, may_upgrade: bool) -> None:
    """Return if the schema is this version's. An older one is upgraded where allowed (a SQLite file always is: it
    belongs to this gateway alone). Raises `SchemaOutdated` otherwise, and `UnusableDatabase` where tables are named as
    clickgate's are and there is no revision."""
    async with store.read() as connection:
        found, wanted = await connection.run_sync(_revision), REVISIONS[-1]
    if found == wanted:
        return
    if found is not None and found not in REVISIONS:
        raise SchemaOutdated(f"the database's schema ({found}) is of a newer clickgate than this one ({wanted})")
    if not (may_upgrade or store.is_sqlite):
        raise SchemaOutdated(
            f"the database's schema is {found or 'empty'}, this clickgate needs {wanted}: "
            "run `clickgate db upgrade`, or start with `--upgrade`"
        )
    from db.migrate import upgrade  # not before it is needed, as that module says

    if found is not None:
        logger.info("upgrading the schema from %s to %s; with millions of clicks this takes minutes", found, wanted)
    await upgrade(store)


def _revision(connection: Connection) -> str | None:
    """Return the schema's revision, None for a database without any of our tables."""
    tables = set(inspect(connection).get_table_names())
    found: str | None = None
    if "alembic_version" in tables:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is None and (taken := tables & Base.metadata.tables.keys()):
        raise UnusableDatabase(
            f"the database has a table {min(taken)}, but no revision in a table alembic_version: "
            "it is another program's, or not all of it was restored"
        )
    return found
