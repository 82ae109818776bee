"""What a database needs before its tables can be distributed."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster import statements
from db.errors import NoCluster

OLDEST_CITUS = 14


async def check_cluster(connection: AsyncConnection) -> None:
    """Raise `NoCluster` if anything is missing for distributing tables."""
    version = await connection.scalar(text(statements.FIND_EXTENSION))
    if version is None:
        if not await connection.scalar(text(statements.IS_INSTALLED)):
            raise NoCluster(
                "the server does not have the extension Citus: install it on each node, and name it in "
                "shared_preload_libraries"
            )
        raise NoCluster("the database does not have its extension yet: run CREATE EXTENSION citus in it, on each node")
    if int(str(version).split(".")[0]) < OLDEST_CITUS:
        raise NoCluster(f"clickgate needs Citus {OLDEST_CITUS} or later, this server has {version}")
    if not await connection.scalar(text(statements.HAS_COORDINATOR)):
        raise NoCluster("the coordinator does not know itself: run SELECT citus_set_coordinator_host('its address')")
    if not await connection.scalar(text(statements.COUNT_WORKERS)):
        raise NoCluster("the cluster has no nodes yet: run SELECT citus_add_node('its address', 5432) for each of them")
    if unprepared := list(await connection.scalars(text(statements.UNPREPARED))):
        raise NoCluster(f"max_prepared_transactions is 0, or there is no answer, on {', '.join(unprepared)}")


async def check_tables(connection: AsyncConnection, tables: Sequence[str]) -> None:
    """Raise `NoCluster` if tables cannot be replaced by others."""
    if not tables:
        return
    if not await connection.scalar(text(statements.MAY_SKIP_CHECKS)):
        raise NoCluster("the role may not set session_replication_role: connect as a superuser, or grant it that")
    names = bindparam("names", list(tables), type_=ARRAY(Text))
    if found := list(await connection.scalars(text(statements.DEPENDENT).bindparams(names))):
        raise NoCluster(f"drop what is built on the tables, and create it again afterwards: {', '.join(found)}")
