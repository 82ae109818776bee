"""What an operator wants to know of a database at a glance: its schema, its size, and what takes the space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine.read_only_store import ReadOnlyStore
from db.engine.schema_revision import revision_of
from db.errors import UnusableDatabase
from db.migrations.revisions import REVISIONS
from db.schema.tables import METADATA

SQLITE_VERSION = text("SELECT 'SQLite ' || sqlite_version()")
SQLITE_BYTES = text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
SQLITE_TABLES = text(
    "SELECT tbl_name AS name, sum(pgsize) AS bytes FROM dbstat JOIN sqlite_master USING (name) GROUP BY tbl_name"
)
POSTGRESQL_VERSION = text("SELECT 'PostgreSQL ' || current_setting('server_version')")
POSTGRESQL_BYTES = text("SELECT pg_database_size(current_database())")
# A table that has partitions is its own root, and each partition a row beside it.
POSTGRESQL_TABLES = text(
    "SELECT name, sum(pg_total_relation_size(coalesce(relid, found))) AS bytes "
    "FROM unnest(:names) AS names (name) CROSS JOIN to_regclass(quote_ident(name)) AS found "
    "LEFT JOIN pg_partition_tree(found) ON true WHERE found IS NOT NULL GROUP BY name"
).bindparams(bindparam("names", type_=ARRAY(Text)))


class TableSize(NamedTuple):
    """A table and the bytes that it takes with its indexes."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class DatabaseStatus:
    """Where a database is, the revision of its schema and the one that this version works with, and its size in bytes;
    on SQLite also that of its write-ahead log. `tables` has the largest first."""

    database: str
    version: str
    revision: str
    wanted_revision: str
    bytes: int
    log_bytes: int | None
    tables: Sequence[TableSize] | None = None


async def status_of(opened: ReadOnlyStore, *, with_tables: bool) -> DatabaseStatus:
    """Return the status of a database, whose schema may be another version's. Raises `UnusableDatabase`, also if the
    tables of a SQLite file cannot be told apart."""
    store = opened.store
    revision = await revision_of(store)
    version, size = (SQLITE_VERSION, SQLITE_BYTES) if store.is_sqlite else (POSTGRESQL_VERSION, POSTGRESQL_BYTES)
    async with store.read() as connection:
        return DatabaseStatus(
            database=store.name if opened.path is None else str(opened.path.resolve()),
            version=str(await connection.scalar(version)),
            revision=revision,
            wanted_revision=REVISIONS[-1],
            bytes=int(await connection.scalar(size) or 0),
            log_bytes=store.database.log_bytes(),
            tables=await _tables(connection, is_sqlite=store.is_sqlite) if with_tables else None,
        )


async def _tables(connection: AsyncConnection, *, is_sqlite: bool) -> Sequence[TableSize]:
    if is_sqlite:
        try:
            found = await connection.execute(SQLITE_TABLES)
        except OperationalError as error:
            if "no such table: dbstat" not in str(error.orig):
                raise
            # It is a part of SQLite that some builds leave out.
            raise UnusableDatabase("this machine's SQLite cannot tell the size of tables: it has no dbstat") from error
    else:
        found = await connection.execute(POSTGRESQL_TABLES, {"names": list(METADATA.tables)})
    sizes = [TableSize(name, int(size)) for name, size in found]
    return sorted(sizes, key=lambda table: (-table.bytes, table.name))
