"""Distributes the tables of a PostgreSQL database over the nodes of a cluster, while gateways go on recording clicks.

Each table gets an empty twin, which is distributed at once and then filled in small transactions. A log notes which
rows change meanwhile, and they are copied again. At the end, one short transaction puts the twins in the tables' place.
Whoever interrupts that before has changed nothing; another run removes what is left, and starts again.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster import statements
from db.cluster.changes import NOTING_LOCK, create_log, create_trigger
from db.cluster.clearing import clear, end_sessions
from db.cluster.copied import Copied, copied
from db.cluster.copying import Step, catch_up, copy
from db.cluster.placement import DISTRIBUTED, REFERENCE
from db.cluster.requirements import check_cluster, check_tables
from db.cluster.switching import switch
from db.cluster.twins import COPIES, Twins, twins_of
from db.engine.distribution_lock import begin_distributing
from db.engine.patience import LIMIT_WAITING, patiently
from db.engine.store import Store
from db.errors import NoCluster, StoreError
from db.ingest.months import PARTITION_LOCK

SHARDS = 32
FIRST = next(iter(DISTRIBUTED))
# How long a run that failed waits for the locks that it takes to remove what it made.
CLEARING_SECONDS = 5
# How long it tries to put twins in place, and keeps them up to date, if reports or exports read for long.
SWITCH_SECONDS = 3600
# The transaction waits for hours, and must not count to the sessions of gateways.
GUARD = (
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL application_name = 'clickgate db distribute'",
)
TAKE_LOCK = "SELECT pg_advisory_xact_lock(:key)"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to do."""

    tables: Sequence[str]
    """The tables to place, in this order."""
    bytes: Mapping[str, int]
    """What each of them takes."""

    @property
    def total_bytes(self) -> int:
        return sum(self.bytes.values())


async def make_plan(store: Store) -> Plan:
    """Return what is left to do. Raises `NoCluster` if anything is missing, and `DatabaseUnavailable`."""
    if store.is_sqlite:
        raise NoCluster("SQLite keeps everything in one file: move to PostgreSQL first, see docs/scaling.md")
    async with store.read() as connection:
        await check_cluster(connection)
        placed = {name for name, _ in await connection.execute(text(statements.PLACED))}
        tables = [name for name in (*DISTRIBUTED, *REFERENCE) if name not in placed]
        await check_tables(connection, tables)
        sizes = text(statements.BYTES).bindparams(bindparam("names", tables, type_=ARRAY(Text)))
        return Plan(tables, {name: int(size) for name, size in await connection.execute(sizes)})


async def distribute(store: Store, plan: Plan, advance: Callable[[int], None], *, shards: int = SHARDS) -> None:
    """Place what is left, and call `advance` with the bytes of what was copied. Then remove what this run or an earlier
    one has left behind. Raises `NoCluster` if somebody else changes or distributes the tables, and
    `DatabaseUnavailable`; then another run goes on from there."""
    async with _alone(store) as guard:
        began: datetime = await guard.scalar(text("SELECT now()"))
        await clear(store)
        if not plan.tables:
            return

        async def ensure_noting() -> None:
            # Nothing is noted without this transaction.
            await guard.execute(text("SELECT 1"))

        try:
            await _replace(store, plan, advance, shards, ensure_noting)
        except BaseException:
            with suppress(StoreError):
                await clear(store, seconds=CLEARING_SECONDS)
            raise
        await end_sessions(store, began)
        await clear(store)


@asynccontextmanager
async def _alone(store: Store) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that holds the locks of a run. It has neither a number nor a snapshot, so nobody waits for it,
    however long it takes."""
    async with store.write(may_wait=True) as guard:
        for command in GUARD:
            await guard.execute(text(command))
        if not await begin_distributing(guard):
            raise NoCluster("another command distributes or changes the tables: try again when it has ended")

        async def take_locks() -> None:
            with store.outages():
                async with guard.begin_nested():
                    await guard.execute(text(LIMIT_WAITING))
                    # Gateways leave new partitions for later.
                    for key in (NOTING_LOCK, PARTITION_LOCK):
                        await guard.execute(text(TAKE_LOCK), {"key": key})

        await patiently(take_locks)
        yield guard


async def _replace(store: Store, plan: Plan, advance: Callable[[int], None], shards: int, ensure_noting: Step) -> None:
    """Replace tables by distributed ones."""
    async with store.write() as connection:
        twins = await twins_of(connection, plan.tables)
        relations = await copied(connection, plan.tables)
        await connection.execute(text(f"CREATE SCHEMA {COPIES}"))
        for command in twins.create:
            await connection.execute(text(command))
    tables = {relation.name: relation for relation in relations if relation.is_whole}
    await _place(store, plan.tables, twins, shards)
    await _note_changes(store, list(tables.values()))
    for relation in relations:
        if not relation.is_partitioned:
            await copy(store, relation, tables[relation.table], ensure_noting, advance)

    async def attempt() -> None:
        await catch_up(store, list(tables.values()), ensure_noting)
        await switch(store, relations, twins, ensure_noting)

    await patiently(attempt, seconds=SWITCH_SECONDS)


async def _place(store: Store, tables: Sequence[str], twins: Twins, shards: int) -> None:
    """Distribute the empty twins."""
    first = f"{COPIES}.{FIRST}" if FIRST in tables else FIRST
    for table in tables:
        values = {"table": f"{COPIES}.{table}"}
        async with store.write() as connection:
            if table in REFERENCE:
                await connection.execute(text(statements.COPY_EVERYWHERE), values)
            elif table == FIRST:
                values |= {"column": DISTRIBUTED[table]}
                await connection.execute(text(statements.DISTRIBUTE_FIRST), values | {"shards": shards})
            else:
                values |= {"column": DISTRIBUTED[table], "first": first}
                await connection.execute(text(statements.DISTRIBUTE), values)
    for command in twins.connect:
        async with store.write() as connection:
            await connection.execute(text(command))


async def _note_changes(store: Store, tables: Sequence[Copied]) -> None:
    """Have the changes of tables noted. Nobody has changed anything before that is not committed."""
    for table in tables:

        async def begin(table: Copied = table) -> None:
            async with store.write() as connection:
                await connection.execute(text(LIMIT_WAITING))
                await connection.execute(text(create_trigger(table)))

        async with store.write() as connection:
            # The nodes need nothing of it.
            await connection.execute(text("SET LOCAL citus.enable_ddl_propagation = off"))
            for command in create_log(table):
                await connection.execute(text(command))
        await patiently(begin)
