"""A check that the schema is this version's, and a lock that keeps it so until a transaction ends.

A gateway that keeps running while another version upgrades the schema must not write rows in the old form.
"""

from sqlalchemy import Dialect, String, bindparam, column, select, table

from db.engine.backend.protocol import WriteConnection
from db.errors import SchemaOutdated
from db.migrations.revisions import REVISIONS
from db.sql.batch_statements import BatchStatement, compiled
from db.sql.compiled_queries import CompiledQuery

_number = column("version_num", String)
_versions = table("alembic_version", _number)
REVISION = CompiledQuery(select(_number).select_from(_versions))
# An upgrade locks the table first, see `db.engine.migrate`, so this is a lock on the schema as well.
HOLD_SCHEMA = "LOCK TABLE click_writers IN ROW SHARE MODE"


async def check_revision(connection: WriteConnection) -> None:
    """Return if the schema is this version's. Raises `SchemaOutdated`."""
    revisions = [revision for (revision,) in await connection.read(REVISION, {})]
    if revisions != REVISIONS[-1:]:
        found = ", ".join(revisions) or "empty"
        raise SchemaOutdated(
            f"the database's schema was upgraded to {found}, this clickgate works with {REVISIONS[-1]}: "
            "it records nothing until it is replaced"
        )


def find_revision(dialect: Dialect) -> BatchStatement:
    """Return what finds the schema's version if it is the one that is given."""
    return compiled(dialect, select(_number).select_from(_versions).where(_number == bindparam("wanted")), ("wanted",))


async def hold_schema(connection: WriteConnection, found: BatchStatement) -> None:
    """Keep the schema from being upgraded until the open transaction ends, given what `find_revision` returned. Raises
    `SchemaOutdated` if it was upgraded before."""
    await connection.command(HOLD_SCHEMA)
    if not await connection.fetch(found, [(REVISIONS[-1],)]):
        await check_revision(connection)
