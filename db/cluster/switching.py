"""Puts twins in the place of their tables, in one short transaction."""

from collections.abc import Sequence

from sqlalchemy import text

from db.cluster import statements
from db.cluster.copied import Copied, copied
from db.cluster.copying import Step, apply_all
from db.cluster.requirements import check_tables
from db.cluster.twins import REPLACED, Twins, twins_of
from db.engine.migrate import FENCE_WRITERS
from db.engine.patience import LIMIT_WAITING
from db.engine.store import Store
from db.errors import NoCluster


async def switch(store: Store, relations: Sequence[Copied], twins: Twins, ensure_noting: Step) -> None:
    """Lock out whoever reads or writes, apply the last changes, and replace tables by their twins. Raises `NoCluster`
    if tables have been altered since, and `DatabaseUnavailable`: then nothing has changed."""
    tables = [relation for relation in relations if relation.is_whole]
    names = [table.name for table in tables]
    async with store.write() as connection:
        await connection.execute(text(LIMIT_WAITING))
        # Writers first, like batches, which lock their writer's row before anything else.
        for command in FENCE_WRITERS:
            await connection.execute(text(command))
        await connection.execute(text(statements.lock_out(sorted(names))))
        await ensure_noting()
        await check_tables(connection, names)
        columns = [relation.types for relation in await copied(connection, names)]
        if columns != [relation.types for relation in relations] or await twins_of(connection, names) != twins:
            raise NoCluster("the tables were altered while they were copied: run the command again")
        await apply_all(store, connection, tables)
        await connection.execute(text(f"CREATE SCHEMA {REPLACED}"))
        for command in twins.replace:
            await connection.execute(text(command))
