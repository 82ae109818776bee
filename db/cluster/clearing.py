"""Removes what a run leaves behind: the tables that it replaced, or, if it was interrupted, the twins."""

import asyncio
from datetime import datetime
from functools import partial
from time import monotonic

from sqlalchemy import text

from db.cluster import statements
from db.cluster.changes import TRIGGER, TRIGGERS
from db.cluster.twins import COPIES, REPLACED
from db.engine.patience import LIMIT_WAITING, PATIENCE_SECONDS, PAUSE_SECONDS, patiently
from db.engine.store import Store

SCHEMAS = f"SELECT nspname FROM pg_namespace WHERE nspname IN ('{COPIES}', '{REPLACED}') ORDER BY nspname DESC"  # noqa: S608  our own names


async def clear(store: Store, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Remove what runs have left behind. Whoever reads the tables for long keeps it waiting, but nobody else. Raises
    `DatabaseUnavailable`, after so many seconds if it does not get the locks."""
    async with store.read() as connection:
        schemas = list(await connection.scalars(text(SCHEMAS)))
        tables = list(await connection.scalars(text(TRIGGERS)))
    commands = [
        *(f"DROP TRIGGER IF EXISTS {TRIGGER} ON {table}" for table in tables),
        *(f"DROP SCHEMA IF EXISTS {schema} CASCADE" for schema in schemas),
    ]

    async def run(command: str) -> None:
        async with store.write() as connection:
            await connection.execute(text(LIMIT_WAITING))
            await connection.execute(text(command))

    for command in commands:
        await patiently(partial(run, command), seconds=seconds)


async def end_sessions(store: Store, began: datetime) -> None:
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
