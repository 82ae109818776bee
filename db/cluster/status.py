"""Where the tables of a cluster lie, and what each node takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster import statements
from db.cluster.placement import DISTRIBUTED, LOCAL, REFERENCE
from db.engine.store import Store


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """The bytes of the database on each node, the coordinator first, None for a node that does not answer; and the
    tables by where they lie. `undistributed` ones are still to be placed, by `clickgate db distribute`."""

    nodes: Mapping[str, int | None]
    distributed: Sequence[str]
    on_each_node: Sequence[str]
    on_the_coordinator: Sequence[str]
    undistributed: Sequence[str]


async def cluster_status(store: Store) -> ClusterStatus | None:
    """Return the status of a cluster; None for any other database. Raises `DatabaseUnavailable`."""
    if store.is_sqlite:
        return None
    async with store.read() as connection:
        if await connection.scalar(text(statements.FIND_EXTENSION)) is None:
            return None
        placed = dict(map(tuple, await connection.execute(text(statements.PLACED))))
        return ClusterStatus(
            await _nodes(connection),
            [name for name in DISTRIBUTED if placed.get(name) == "h"],
            [name for name in REFERENCE if placed.get(name) == "n"],
            LOCAL,
            [name for name in (*DISTRIBUTED, *REFERENCE) if name not in placed],
        )


async def _nodes(connection: AsyncConnection) -> Mapping[str, int | None]:
    found = await connection.execute(text(statements.NODE_BYTES))
    return {node: None if size is None else int(size) for node, size in found}


async def table_bytes(store: Store) -> Mapping[str, int]:
    """Return the bytes of tables with their indexes on all nodes. Raises `DatabaseUnavailable`."""
    async with store.read() as connection:
        return {name: int(size) for name, size in await connection.execute(text(statements.TABLE_BYTES))}
