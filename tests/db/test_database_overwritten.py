"""A SQLite file that another program overwrites in place while a gateway has it open, as `cp backup.db clicks.db` does:
no click is acknowledged, and the gateway does not change what that program wrote."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gateway.health import ASK_SECONDS
from tests.support.databases import MakeDatabase
from tests.support.file_gateway import Served, all_files, serving_file
from tests.support.processes import serving

pytestmark = pytest.mark.slow

REASON = "the database file was overwritten"


def copied(source: Path, target: Path) -> None:
    """Write like `cp` and `cat … > …`."""
    target.write_bytes(source.read_bytes())


def copied_with_its_time(source: Path, target: Path) -> None:
    """Write like `cp -p`."""
    shutil.copyfile(source, target)
    shutil.copystat(source, target)


def patched(source: Path, target: Path) -> None:
    """Write like `rsync --inplace`: only pages that differ, then truncate the rest."""
    new, old = source.read_bytes(), target.read_bytes()
    with target.open("r+b") as file:
        for at in range(0, len(new), 4096):
            if new[at : at + 4096] != old[at : at + 4096]:
                file.seek(at)
                file.write(new[at : at + 4096])
        file.truncate(len(new))


def as_it_was(_backup: sqlite3.Connection) -> None:
    return


def grown(backup: sqlite3.Connection) -> None:
    backup.execute("CREATE TABLE notes AS SELECT zeroblob(3000000) AS bytes")


def shrunk(backup: sqlite3.Connection) -> None:
    backup.executescript("DROP INDEX IF EXISTS ix_customers_click_id; DELETE FROM customers; VACUUM")


WAYS = (copied, copied_with_its_time, patched)


@pytest.mark.parametrize("change", [as_it_was, grown, shrunk])
@pytest.mark.parametrize("write", WAYS)
async def test_no_click_is_acknowledged_after_the_file_is_overwritten(
    make_sqlite: MakeDatabase,
    tmp_path: Path,
    write: Callable[[Path, Path], None],
    change: Callable[[sqlite3.Connection], None],
) -> None:
    async with serving_file(make_sqlite, tmp_path) as served:
        for _ in range(3):
            assert await served.click() == 200
        with closing(sqlite3.connect(served.backup, isolation_level=None)) as backup:
            backup.execute("PRAGMA foreign_keys = OFF")
            change(backup)
        write(served.backup, served.path)
        for _ in range(3):
            assert await served.click() == 503
        body = await served.ready()
        assert (body["status"], body["reason"]) == ("not ready", REASON)
        assert len(served.complaints()) == 1
    assert served.path.read_bytes() == served.backup.read_bytes()
    # The log, with the clicks acknowledged before, is kept, and the next process does not apply it to the file.
    assert all_files(served.path) == [served.path]
    assert [file for file in served.path.parent.iterdir() if file.name.endswith("-wal")]


async def test_after_a_restart_the_copied_content_is_served(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    async with serving_file(make_sqlite, tmp_path) as served:
        copied(served.backup, served.path)
        assert await served.click() == 503
    restored = {served.acknowledged[0]}
    assert served.recorded() == restored
    async with (
        serving(f"sqlite:///{served.path}") as (_, base),
        httpx.AsyncClient(base_url=base) as http,
    ):
        again = Served(served.path, served.backup, http, served.log)
        assert await again.click() == 200
        assert again.recorded() == restored | set(again.acknowledged)


async def test_a_file_that_replaces_an_overwritten_one_is_used(served: Served) -> None:
    copied(served.backup, served.path)
    assert await served.click() == 503
    new = served.path.with_name("new.db")
    shutil.copy(served.backup, new)
    new.rename(served.path)
    restored = {served.acknowledged[0]}
    served.acknowledged.clear()
    await served.healed()
    assert await served.click() == 200
    assert served.recorded() == restored | set(served.acknowledged)


async def test_a_file_overwritten_under_load_accepts_no_more_clicks(served: Served) -> None:
    is_over = False

    async def visit() -> None:
        while not is_over:
            await served.click()

    visitors = [asyncio.create_task(visit()) for _ in range(8)]
    await asyncio.sleep(1.5)
    await asyncio.to_thread(copied, served.backup, served.path)
    await asyncio.sleep(0.5)
    count = len(served.acknowledged)
    await asyncio.sleep(1)
    is_over = True
    await asyncio.gather(*visitors)
    assert len(served.acknowledged) == count > 10
    assert (await served.ready())["reason"] == REASON
    assert len(served.complaints()) == 1


async def test_an_idle_gateway_is_not_ready_once_its_file_is_overwritten(served: Served) -> None:
    for _ in range(3):
        await served.click()
        await asyncio.sleep(0.2)
    copied(served.backup, served.path)
    await asyncio.sleep(ASK_SECONDS)
    assert (await served.ready())["reason"] == REASON


def emptied(log: Path) -> None:
    os.truncate(log, 0)


def replaced_by_zeros(log: Path) -> None:
    log.write_bytes(bytes(log.stat().st_size))


def replaced_by_another(log: Path) -> None:
    other = log.with_name("other.db")
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE other AS SELECT zeroblob(100000) AS bytes")
        log.write_bytes(other.with_name("other.db-wal").read_bytes())


@pytest.mark.parametrize("spoil", [emptied, replaced_by_zeros, replaced_by_another])
async def test_an_overwritten_log_is_an_outage(served: Served, spoil: Callable[[Path], None]) -> None:
    spoil(Path(f"{served.path}-wal"))
    await asyncio.sleep(ASK_SECONDS)
    await served.click()
    assert await served.click() == 503
    assert (await served.ready())["status"] == "not ready"
    assert served.recorded() is not None  # the database file itself is intact


def touched(path: Path) -> None:
    os.utime(path)


def set_back(path: Path) -> None:
    """Restore a file's times to the microsecond, like a backup program."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns // 1000 * 1000))


def linked(path: Path) -> None:
    path.with_name("link.db").hardlink_to(path)


def given_another_mode(path: Path) -> None:
    path.chmod(0o600)


def overwritten_with_itself(path: Path) -> None:
    with path.open("r+b") as file:
        content = file.read()
        file.seek(0)
        file.write(content)


def written_and_copied_back_by_another(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for _ in range(3):
            connection.execute("CREATE TABLE large AS SELECT zeroblob(6000000) AS bytes")
            connection.execute("UPDATE affiliate_programs SET name = name || '.'")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("DROP TABLE large")
            connection.execute("VACUUM")


@pytest.mark.parametrize(
    "do",
    [touched, set_back, linked, given_another_mode, overwritten_with_itself, written_and_copied_back_by_another],
)
async def test_changes_that_keep_the_content_are_not_an_outage(served: Served, do: Callable[[Path], None]) -> None:
    for _ in range(3):
        await asyncio.to_thread(do, served.path)
        assert await served.click() == 200
        await asyncio.sleep(0.2)
        assert await served.click() == 200
        (served.path.with_name("link.db")).unlink(missing_ok=True)
    assert served.recorded() == set(served.acknowledged)
    assert served.complaints() == []
