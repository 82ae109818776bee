"""Copies tables to their twins while they are written to.

Each chunk is a transaction of its own, because consumers of the outbox wait for the oldest one, and an open one keeps
dead rows from being removed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.cluster.changes import apply, waiting
from db.cluster.copied import Copied
from db.cluster.twins import COPIES
from db.engine.store import Store
from db.errors import RowRefused

# The first chunk of a table is small, because its rows may be large.
FIRST_ROWS = 16
MOST_ROWS = 20_000
CHUNK_SECONDS = 0.5
CHANGES = 2_000
ALL = 2**31
TRIES = 5
# Twins have the same rows as their tables in the end, but not at each moment: foreign keys are not checked meanwhile.
UNCHECKED = ("SET LOCAL citus.propagate_set_commands = 'local'", "SET LOCAL session_replication_role = replica")
CHECKED = "SET LOCAL session_replication_role = origin"

# Raises `DatabaseUnavailable` if changes are no longer noted.
Step = Callable[[], Awaitable[None]]


class Chunk(NamedTuple):
    """The next rows to copy."""

    after: Mapping[str, str]
    """The key that they come after; empty at first."""
    rows: int
    may_be_there: bool = False
    """Whether changes were applied before all rows were copied, so that some rows are up to date already."""


@asynccontextmanager
async def unchecked(store: Store) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that writes to twins in any order."""
    async with store.write() as connection:
        for command in UNCHECKED:
            await connection.execute(text(command))
        yield connection


async def copy(
    store: Store, source: Copied, table: Copied, ensure_noting: Step, advance: Callable[[int], None]
) -> None:
    """Copy a table without partitions, or a partition of one, in chunks by its primary key. Call `ensure_noting` before
    each, and `advance` with its bytes; they add up to those that the source had."""
    chunk, left, tries = Chunk({}, FIRST_ROWS), source.bytes, TRIES
    while True:
        await ensure_noting()
        started = monotonic()
        try:
            key, count = await _copy_chunk(store, source, chunk)
        except RowRefused:
            # A row may have what was unique to another one, which has changed since it was copied.
            tries -= 1
            if not tries:
                raise
            while await _apply_some(store, table):
                pass
            chunk = chunk._replace(may_be_there=True)
            continue
        tries = TRIES
        if key is None:
            advance(left)
            break
        done = min(source.bytes * count // source.rows, left)
        advance(done)
        left -= done
        # Twice as many at most, because later rows may be larger.
        rows = max(int(chunk.rows * min(CHUNK_SECONDS / (monotonic() - started), 2)), 1)
        after = {f"after{at}": value for at, value in enumerate(key)}
        chunk = chunk._replace(after=after, rows=min(rows, MOST_ROWS))
    async with store.write() as connection:
        await connection.execute(text(f"ANALYZE {COPIES}.{source.name}"))


async def catch_up(store: Store, tables: Sequence[Copied], ensure_noting: Step) -> None:
    """Apply what has changed in tables since they were copied, until only the latest changes are left."""
    is_behind = True
    while is_behind:
        is_behind = False
        async with store.read() as connection:
            await store.prefer_indexes(connection)
            changed = await waiting(connection, tables)
        for table in changed:
            await ensure_noting()
            is_behind |= await _apply_some(store, table)


async def apply_all(store: Store, connection: AsyncConnection, tables: Sequence[Copied]) -> None:
    """Apply all changes of tables that nobody else writes to any more."""
    await store.prefer_indexes(connection)
    for command in UNCHECKED:
        await connection.execute(text(command))
    for table in await waiting(connection, tables):
        await apply(connection, table, ALL)
    await connection.execute(text(CHECKED))


async def _copy_chunk(store: Store, source: Copied, chunk: Chunk) -> tuple[Sequence[str] | None, int]:
    """Copy a chunk; return the key of its last row, None if there are no more, and how many rows were copied."""
    async with unchecked(store) as connection:
        await store.prefer_indexes(connection)
        found = await connection.execute(text(_last_key(source, chunk)), {**chunk.after, "rows": chunk.rows - 1})
        key = found.first()
        until = {} if key is None else {f"until{at}": value for at, value in enumerate(key)}
        copied = await connection.execute(text(_copy(source, chunk, until)), {**chunk.after, **until})
        return key, copied.rowcount


async def _apply_some(store: Store, table: Copied) -> bool:
    """Apply some changes of a table; return whether there are more."""
    limit, tries = CHANGES, TRIES
    while True:
        try:
            async with unchecked(store) as connection:
                return await apply(connection, table, limit) == limit
        except RowRefused:
            # A row may have what was unique to another one that has changed later: both have to be applied at once.
            tries -= 1
            if not tries:
                raise
            limit *= 10


def _last_key(source: Copied, chunk: Chunk) -> str:
    key = ", ".join(source.primary_key)
    shown = ", ".join(f"{name}::text" for name in source.primary_key)
    begin = f"WHERE ({key}) > ({_values(source, chunk.after)})" if chunk.after else ""
    # The order is that of the columns, not of what is shown.
    order = ", ".join(f"source.{name}" for name in source.primary_key)
    return f"SELECT {shown} FROM {source.name} AS source {begin} ORDER BY {order} LIMIT 1 OFFSET :rows"  # noqa: S608  our own names


def _copy(source: Copied, chunk: Chunk, until: Mapping[str, str]) -> str:
    key = ", ".join(source.primary_key)
    given = ((">", chunk.after), ("<=", until))
    bounds = [f"({key}) {sign} ({_values(source, values)})" for sign, values in given if values]
    where = f"WHERE {' AND '.join(bounds)}" if bounds else ""
    conflict = f"ON CONFLICT ({', '.join(source.key)}) DO NOTHING" if chunk.may_be_there else ""
    return (
        f"INSERT INTO {COPIES}.{source.name} ({source.columns}) "  # noqa: S608  our own names
        f"SELECT {source.columns} FROM {source.name} {where} {conflict}"
    )


def _values(source: Copied, given: Mapping[str, str]) -> str:
    return ", ".join(
        f"CAST(CAST(:{name} AS text) AS {source.types[column]})"
        for name, column in zip(given, source.primary_key, strict=True)
    )
