"""A SQLite file that is moved, deleted, replaced or truncated while a gateway has it open: no click is acknowledged
unless it is in the file at the path, and the gateway recovers without a restart."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from gateway.health import ASK_SECONDS
from tests.support.file_gateway import Served, all_files

pytestmark = pytest.mark.slow


async def test_a_moved_file_accepts_no_clicks_and_is_used_again_once_it_is_back(served: Served) -> None:
    elsewhere = served.path.parent / "elsewhere"
    elsewhere.mkdir()
    for file in all_files(served.path):
        file.rename(elsewhere / file.name)
    for _ in range(3):
        assert await served.click() == 503
    body = await served.ready()
    assert body == {
        "status": "not ready",
        "database": "away",
        "queue": "ok",
        "reason": "the database file was moved, removed or replaced",
    }
    assert all_files(served.path) == []  # nor is a new file created
    for file in elsewhere.iterdir():
        file.rename(served.path.parent / file.name)
    await served.healed()
    assert await served.click() == 200
    assert served.recorded() >= set(served.acknowledged)
    assert len(served.complaints()) == 2


def moved_over(served: Served) -> None:
    """Replace a file atomically; the old file's log stays."""
    new = served.path.with_name("new.db")
    shutil.copy(served.backup, new)
    new.rename(served.path)


def removed_and_copied(served: Served) -> None:
    for file in all_files(served.path):
        file.unlink()
    shutil.copy(served.backup, served.path)


def removed_with_its_folder(served: Served) -> None:
    shutil.rmtree(served.path.parent)
    served.path.parent.mkdir()
    shutil.copy(served.backup, served.path)


def emptied_and_copied(served: Served) -> None:
    served.path.write_bytes(b"")
    removed_and_copied(served)


@pytest.mark.parametrize("replace", [moved_over, removed_and_copied, removed_with_its_folder, emptied_and_copied])
async def test_a_backup_that_replaces_the_file_is_used_from_then_on(
    served: Served, replace: Callable[[Served], None]
) -> None:
    restored = {served.acknowledged[0]}
    kept = served.path.with_name("kept.db")
    if replace is moved_over:
        kept.hardlink_to(served.path)
    replace(served)
    served.acknowledged.clear()
    await served.click()  # it may find the new file right away
    await asyncio.sleep(ASK_SECONDS)
    await served.healed()
    for _ in range(3):
        assert await served.click() == 200
    assert served.recorded() == restored | set(served.acknowledged)
    if replace is moved_over:  # the old file has all clicks acknowledged before
        assert len(served.recorded(kept)) >= 2
    assert len(served.complaints()) <= 2


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_deleting_the_log_or_its_index_loses_no_click(served: Served, suffix: str) -> None:
    Path(f"{served.path}{suffix}").unlink()
    assert await served.click() == 503
    await served.healed()
    assert await served.click() == 200
    assert served.recorded() >= set(served.acknowledged)
    assert len(served.complaints()) == 2


async def test_a_truncated_file_accepts_no_clicks(served: Served) -> None:
    with served.path.open("r+b") as file:
        file.truncate(20_480)
    assert await served.click() == 503
    assert (await served.ready())["status"] == "not ready"
    assert len(served.complaints()) == 1


async def test_a_different_database_in_its_place_is_not_touched(served: Served) -> None:
    other = served.path.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    other.rename(served.path)
    assert await served.click() == 503
    await asyncio.sleep(2)
    assert (await served.ready())["reason"] == "the database's schema is not the one this version needs"
    with closing(sqlite3.connect(f"file:{served.path}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    removed_and_copied(served)
    await served.healed()


async def test_a_vacuum_by_another_program_is_not_an_outage(served: Served) -> None:
    with closing(sqlite3.connect(served.path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE large AS SELECT zeroblob(2000000) AS bytes")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert await served.click() == 200
        connection.execute("DROP TABLE large")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert await served.click() == 200
    assert await served.click() == 200
    assert served.recorded() == set(served.acknowledged)
    assert served.complaints() == []
