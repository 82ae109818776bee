"""Distributes the tables of a PostgreSQL database over the nodes of a cluster.

All tables are placed in one transaction: whoever interrupts that has changed nothing. Afterwards the coordinator's own
copies are removed, which another run does, too. Gateways may keep running. Clicks that arrive while tables are copied
wait, or are refused to be sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from time import monotonic
from typing import NamedTuple

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster import statements
from db.cluster.placement import DISTRIBUTED, KEYS, REFERENCE
from db.engine.backend.driver_errors import LOCKED
from db.engine.migrate import FENCE_WRITERS, UPGRADE_LOCK
from db.engine.store import Store
from db.errors import DatabaseUnavailable, NoCluster

SHARDS = 32
OLDEST_CITUS = 14
# Whoever waits for a lock keeps those waiting that come after it.
LOCK_SECONDS = 0.5
LIMIT_WAITING = f"SET LOCAL lock_timeout = {round(1000 * LOCK_SECONDS)}"
PAUSE_SECONDS = 0.5
PATIENCE_SECONDS = 600
FIRST = next(iter(DISTRIBUTED))


class Constraint(NamedTuple):
    """A foreign key from a child's to a parent's table."""

    name: str
    child: str
    parent: str
    definition: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to do, in this order."""

    tables: Sequence[str]
    """The tables to place."""
    bytes: Mapping[str, int]
    """What each of them takes."""
    foreign_keys: Sequence[Constraint] = ()
    """Those that are dropped before, and added again as far as a cluster can keep them."""
    triggers: Sequence[tuple[str, str]] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    """The names of the primary keys to change, by table."""

    @property
    def total_bytes(self) -> int:
        return sum(self.bytes.values())


async def make_plan(store: Store) -> Plan:
    """Return what is left to do. Raises `NoCluster` if anything is missing, and `DatabaseUnavailable`."""
    if store.is_sqlite:
        raise NoCluster("SQLite keeps everything in one file: move to PostgreSQL first, see docs/scaling.md")
    async with store.read() as connection:
        await _check(connection)
        placed = {name for name, _ in await connection.execute(text(statements.PLACED))}
        tables = [name for name in (*DISTRIBUTED, *REFERENCE) if name not in placed]
        return await plan_for(connection, tables)


async def plan_for(connection: AsyncConnection, tables: Sequence[str]) -> Plan:
    """Return what has to be done to place some tables. It works on any PostgreSQL."""
    sizes = text(statements.BYTES).bindparams(bindparam("names", tables, type_=ARRAY(Text)))
    bytes_of = {name: int(size) for name, size in await connection.execute(sizes)}
    return Plan(
        tables,
        bytes_of,
        [key for key in await foreign_keys(connection) if {key.child, key.parent} & set(tables)],
        [(name, table) for name, table in await connection.execute(text(statements.TRIGGERS)) if table in tables],
        {
            table: name
            for table, name in await connection.execute(text(statements.PRIMARY_KEYS))
            if table in KEYS and table in tables
        },
    )


async def distribute(store: Store, plan: Plan, advance: Callable[[int], None], *, shards: int = SHARDS) -> None:
    """Place what is left, and call `advance` with the bytes of each table that was; then remove what the coordinator
    still has of it. Raises `DatabaseUnavailable`; another run goes on from there."""
    if plan.tables:
        await _end_sessions(store, await _distribute(store, plan, advance, shards))
    await _empty(store)


async def _distribute(store: Store, plan: Plan, advance: Callable[[int], None], shards: int) -> datetime:
    """Place what is left, and return when that began."""
    async with store.write(may_wait=True) as connection:
        began: datetime = await connection.scalar(text("SELECT now()"))
        await store.take_lock(connection, UPGRADE_LOCK)
        await _lock_out(store, connection, plan.tables)
        for command in prepare(plan):
            await connection.execute(text(command))
        for table in plan.tables:
            await _place(connection, table, shards)
            advance(plan.bytes.get(table, 0))
        for key in plan.foreign_keys:
            if can_keep(key):
                await connection.execute(text(statements.add_constraint(key.child, key.name, key.definition)))
    return began


def prepare(plan: Plan) -> Sequence[str]:
    """Return the commands after which nothing is left that a cluster refuses. They work on any PostgreSQL."""
    return [
        *(statements.drop_constraint(key.child, key.name) for key in plan.foreign_keys),
        *(statements.drop_trigger(table, name) for name, table in plan.triggers),
        *(command for table, name in plan.keys.items() for command in statements.change_key(table, name)),
    ]


def can_keep(key: Constraint) -> bool:
    """Return whether a cluster can keep a foreign key: to a table that each node has, or within a program."""
    return key.parent in REFERENCE or (key.child in DISTRIBUTED and key.parent in DISTRIBUTED)


async def foreign_keys(connection: AsyncConnection) -> Sequence[Constraint]:
    """Return all foreign keys of the schema."""
    return [Constraint(*row) for row in await connection.execute(text(statements.FOREIGN_KEYS))]


async def _check(connection: AsyncConnection) -> None:
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


async def _lock_out(store: Store, connection: AsyncConnection, tables: Sequence[str]) -> None:
    """Wait for batches and reads to end, and keep later ones waiting to the end of the transaction."""

    async def lock() -> None:
        with store.outages():
            async with connection.begin_nested():
                await connection.execute(text(LIMIT_WAITING))
                # Writers first, like batches, which lock their writer's row before anything else.
                for command in FENCE_WRITERS:
                    await connection.execute(text(command))
                await connection.execute(text(statements.lock_out(sorted(tables))))

    await _patiently(lock)


async def _patiently(step: Callable[[], Awaitable[None]]) -> None:
    """Take a step, again as long as others hold its locks."""
    deadline = monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await step()
        except DatabaseUnavailable as error:
            if error.reason != LOCKED.reason or monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)


async def _place(connection: AsyncConnection, table: str, shards: int) -> None:
    if table in REFERENCE:
        await connection.execute(text(statements.COPY_EVERYWHERE), {"table": table})
    elif table == FIRST:
        values = {"table": table, "column": DISTRIBUTED[table], "shards": shards}
        await connection.execute(text(statements.DISTRIBUTE_FIRST), values)
    else:
        values = {"table": table, "column": DISTRIBUTED[table], "first": FIRST}
        await connection.execute(text(statements.DISTRIBUTE), values)


async def _empty(store: Store) -> None:
    """Remove from the coordinator what was copied. Not before the sessions have gone that began before: they would see
    nothing. Whoever reads for long keeps it waiting, but nobody else."""
    names = bindparam("names", [*DISTRIBUTED, *REFERENCE], type_=ARRAY(Text))
    async with store.read() as connection:
        full = set(await connection.scalars(text(statements.LEFT_OVER).bindparams(names)))

    async def empty(table: str) -> None:
        async with store.write(may_wait=True) as connection:
            await connection.execute(text(LIMIT_WAITING))
            await connection.execute(text(statements.EMPTY_LOCAL), {"table": table})

    # Those that refer to others first.
    for table in reversed((*REFERENCE, *DISTRIBUTED)):
        if table in full:
            await _patiently(partial(empty, table))


async def _end_sessions(store: Store, began: datetime) -> None:
    """End the sessions of gateways that began before, and may not have known of the cluster, once they are idle."""
    deadline = monotonic() + PATIENCE_SECONDS
    left = True
    while left and monotonic() < deadline:
        # In a transaction of its own: within one, PostgreSQL goes on showing the activity that it showed first.
        async with store.write() as connection:
            await connection.execute(text(statements.END_IDLE), {"before": began})
            left = bool(await connection.scalar(text(statements.COUNT_OLD), {"before": began}))
        if left:
            await asyncio.sleep(PAUSE_SECONDS)
