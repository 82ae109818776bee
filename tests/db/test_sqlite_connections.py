"""SQLite connections that are opened while the file is replaced, or while nobody wants them any more: none stays open
unnoticed, which would keep the process from using the new file."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import literal, select

from db.engine.backend.driver_errors import OTHER_SCHEMA
from db.engine.sqlite import connections
from db.engine.sqlite.backend import POOL_SIZE
from db.engine.sqlite.checkpoints import Checkpoints
from db.engine.sqlite.database_file import CHECK_SECONDS, DatabaseFile, OtherFile
from db.engine.sqlite.file_access import tables_in
from db.engine.store import Store
from db.errors import DatabaseUnavailable, SchemaOutdated
from db.migrations.revisions import REVISIONS
from db.sql.compiled_queries import CompiledQuery
from tests.support.databases import MakeDatabase

ONE = CompiledQuery(select(literal(1)))
Use: TypeAlias = Callable[[Store], Coroutine[Any, Any, None]]


@pytest.fixture
def path(make_sqlite: MakeDatabase, tmp_path: Path) -> Path:
    copy = tmp_path / "clicks.db"
    shutil.copy(make_sqlite().removeprefix("sqlite:///"), copy)
    return copy


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = Store(f"sqlite:///{path}")
    yield store
    await store.close()


def replace(path: Path) -> None:
    """Put a copy in the place of a file, whose log goes with it."""
    copy = path.with_name("copy.db")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    copy.rename(path)


async def fetch(store: Store) -> None:
    assert [tuple(row) for row in await store.fetch(ONE)] == [(1,)]


async def snapshot(store: Store) -> None:
    async with store.snapshot() as source:
        assert [tuple(row) for row in await source.fetch(ONE, {})] == [(1,)]


async def read(store: Store) -> None:
    async with store.read() as connection:
        assert await connection.scalar(select(literal(1))) == 1


READS = [fetch, snapshot, read]
"""Both pools, and both ways to use the one for reading."""


async def check_usable(store: Store) -> None:
    """Read and write, as soon as the connections that are dropped now are closed."""
    store.database.drop_idle()
    async with asyncio.timeout(5):
        while True:
            await asyncio.sleep(0.01)
            try:
                for each in READS:
                    await each(store)
                connection = await store.database.connect_writer()
            except (DatabaseUnavailable, OtherFile):
                continue
            await connection.close()
            return


@pytest.mark.parametrize("use", READS)
async def test_a_connection_that_outlives_its_pool_is_closed_on_return(path: Path, store: Store, use: Use) -> None:
    opening = asyncio.create_task(use(store))
    await asyncio.sleep(0)
    store.database.drop_idle()
    await opening
    replace(path)
    await check_usable(store)


@pytest.mark.parametrize("use", READS)
async def test_one_that_waited_for_a_pool_that_was_replaced_is_closed_on_return(
    path: Path, store: Store, use: Use
) -> None:
    async def hold() -> None:
        async with store.read() if use is read else store.snapshot():
            await release.wait()

    release = asyncio.Event()
    holders = [asyncio.create_task(hold()) for _ in range(POOL_SIZE)]
    await asyncio.sleep(0.2)
    waiting = [asyncio.create_task(use(store)) for _ in range(5)]
    await asyncio.sleep(0.05)
    store.database.drop_idle()
    await asyncio.sleep(0.05)
    release.set()
    await asyncio.gather(*holders, *waiting)
    replace(path)
    await check_usable(store)


async def test_a_writer_whose_opening_is_cancelled_is_closed(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()

    def slow(file: DatabaseFile) -> Checkpoints:
        may_go_on.wait(5)
        return Checkpoints(file)

    with monkeypatch.context() as patch:
        patch.setattr(connections, "Checkpoints", slow)
        opening = asyncio.create_task(store.database.connect_writer())
        await asyncio.sleep(0.1)
        opening.cancel()
        await asyncio.sleep(0)
        may_go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await opening
    replace(path)
    await check_usable(store)


@pytest.mark.parametrize("use", READS)
async def test_a_pooled_connection_whose_opening_is_cancelled_is_closed(path: Path, store: Store, use: Use) -> None:
    for steps in range(10):
        opening = asyncio.create_task(use(store))
        for _ in range(steps):
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
    replace(path)
    await check_usable(store)


async def test_a_writer_that_is_opened_by_half_is_closed(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = path.with_name("kept.db")

    def gone(file: DatabaseFile) -> Checkpoints:
        path.rename(kept)
        return Checkpoints(file)

    with monkeypatch.context() as patch:
        patch.setattr(connections, "Checkpoints", gone)
        with pytest.raises(OtherFile):
            await store.database.connect_writer()
    kept.rename(path)
    replace(path)
    await check_usable(store)


@pytest.mark.parametrize("change", [replace, Path.unlink, lambda path: Path(f"{path}-wal").unlink()])
@pytest.mark.parametrize("is_open", [False, True])
def test_a_file_that_is_replaced_while_it_is_opened_is_not_used(
    path: Path, change: Callable[[Path], None], is_open: bool
) -> None:
    file = DatabaseFile(str(path))
    other = file.open(look) if is_open else None

    def look_and_change(connection: sqlite3.Connection) -> None:
        look(connection)
        change(path)

    saved = path.with_name("saved.db")
    shutil.copy(path, saved)
    with pytest.raises(OtherFile):
        file.open(look_and_change)
    if other is not None:
        other.close()
    shutil.copy(saved, path)
    Path(f"{path}-wal").unlink(missing_ok=True)
    file.open(look).close()


def look(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


@pytest.mark.parametrize("schema", ["CREATE TABLE theirs (a)", "CREATE TABLE alembic_version (version_num TEXT)"])
async def test_a_file_of_another_program_is_left_as_it_is(path: Path, store: Store, schema: str) -> None:
    connection = await store.database.connect_writer()
    await connection.close()
    path.unlink()
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute(schema)
    before = path.read_bytes()
    with pytest.raises(DatabaseUnavailable) as raised:
        await store.fetch(ONE)
    assert raised.value.reason == OTHER_SCHEMA.reason
    with pytest.raises((SchemaOutdated, sqlite3.OperationalError)):
        await store.database.connect_writer()
    assert path.read_bytes() == before
    assert list(path.parent.glob("clicks.db*")) == [path]


async def test_looking_at_a_file_keeps_the_locks_of_its_open_connections(path: Path, store: Store) -> None:
    await fetch(store)
    assert tables_in(path)[1] == REVISIONS[-1]
    # Another process that takes its connection for the only one removes the log as it ends.
    read_and_end = f"import sqlite3; c = sqlite3.connect({str(path)!r}); c.execute('PRAGMA user_version'); c.close()"
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", read_and_end], check=True)
    assert Path(f"{path}-wal").exists()
    await asyncio.sleep(CHECK_SECONDS)
    await fetch(store)
