"""The check, at every start, that a database's schema is the one this version works with.

It does not import Alembic, which only an actual upgrade needs.
"""

import asyncio
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text

from db.engine.sqlite.file_access import tables_in
from db.engine.store import Store
from db.errors import FileInUse, SchemaOutdated, UnusableDatabase
from db.migrations.revisions import REVISIONS
from db.schema.tables import METADATA

VERSION_TABLE = "alembic_version"
# If two gateways start at the same time, the second waits this long for the first to upgrade a SQLite file.
UPGRADE_SECONDS = 10
RETRY_SECONDS = 0.25


class SchemaState(NamedTuple):
    """The revision of a database's schema, None if it records none, and the names of its tables without
    `alembic_version`."""

    revision: str | None
    tables: frozenset[str]


async def ensure_current(store: Store, *, may_upgrade: bool, may_create: bool = True) -> None:
    """Ensure that the schema is this version's: upgrade an older one if `may_upgrade`, and create it in an empty SQLite
    file, which nothing else can be using yet, if `may_create`.

    Raises `SchemaOutdated` if the schema is older or newer, `FileInUse` if a SQLite file has to be upgraded while
    another process has it open, and `UnusableDatabase` if the database is not clickgate's or lacks a table.
    """
    deadline = monotonic() + UPGRADE_SECONDS
    while True:
        try:
            if await _is_current(store, may_upgrade=may_upgrade, may_create=may_create):
                return
            from db.engine.migrate import upgrade  # imported late: Alembic is slow to import

            await upgrade(store)
        except FileInUse:
            if monotonic() > deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)


async def revision_of(store: Store) -> str:
    """Return the schema's revision. Raises `UnusableDatabase` if the database does not hold clickgate's tables."""
    found = await _find(store)
    _check_ours(store, found)
    if found.revision is None:
        raise UnusableDatabase(f"{store.name} is empty")
    return found.revision


async def _is_current(store: Store, *, may_upgrade: bool, may_create: bool) -> bool:
    found, wanted = await _find(store), REVISIONS[-1]
    _check_ours(store, found)
    if found.revision == wanted:
        if missing := METADATA.tables.keys() - found.tables:
            raise UnusableDatabase(
                f"{store.name} lacks the table {', '.join(sorted(missing))}: restore a backup or recreate the table"
            )
        return True
    if found.revision is not None and found.revision not in REVISIONS:
        raise SchemaOutdated(
            f"the database's schema ({found.revision}) belongs to a newer clickgate; this one works with {wanted}"
        )
    is_creation = found.revision is None and store.is_sqlite
    if is_creation and not (may_create or may_upgrade):
        raise SchemaOutdated(
            f"there is no database in {store.name} yet: `clickgate db upgrade` creates it, or CLICKGATE_DATABASE_URL "
            "names another"
        )
    if not (may_upgrade or is_creation):
        raise SchemaOutdated(
            f"the database's schema is {found.revision or 'empty'}, but this clickgate needs {wanted}: {_advice(store)}"
        )
    return False


def _advice(store: Store) -> str:
    if store.is_sqlite:
        return "stop every gateway and run `clickgate db upgrade`, or start `clickgate serve`, which upgrades it"
    return "run `clickgate db upgrade`, or start with `clickgate serve --upgrade`"


def _check_ours(store: Store, found: SchemaState) -> None:
    """Check that a database is empty or clickgate's. A PostgreSQL database may hold other tables as well."""
    strangers = found.tables if store.is_sqlite else found.tables & METADATA.tables.keys()
    if found.revision is None and strangers:
        raise UnusableDatabase(
            f"{store.name} has tables, but no schema version in {VERSION_TABLE}: "
            "it is either damaged or not a clickgate database"
        )


async def _find(store: Store) -> SchemaState:
    if store.is_sqlite and not store.is_read_only:
        names, revision = await asyncio.to_thread(tables_in, Path(store.url.database or ""))
        return SchemaState(revision, names - {VERSION_TABLE})
    async with store.read() as connection:
        return await connection.run_sync(_found)


def _found(connection: Connection) -> SchemaState:
    tables = frozenset(inspect(connection).get_table_names())
    revision: str | None = None
    if VERSION_TABLE in tables:
        revision = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608  a name of our own
    return SchemaState(revision, tables - {VERSION_TABLE})
