"""A SQLite file that is moved, deleted, replaced or truncated while a gateway has it open: no click is acknowledged
unless it is in the file at the path, and the gateway recovers without a restart."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.engine.sqlite.checkpoints import CHECKPOINT_SECONDS
from gateway.health import PROBE_INTERVAL_SECONDS
from tests.support.click_apis import CLICK
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import serving

pytestmark = pytest.mark.slow

HEALED_SECONDS = 8
URL = "https://yoursite.com/?aff=PARTNER123"


@dataclass
class Served:
    """A gateway in a process of its own, its file, a backup of that, and the clicks that it acknowledged."""

    path: Path
    backup: Path
    http: httpx.AsyncClient
    log: Path
    acknowledged: list[str] = field(default_factory=list)

    async def click(self) -> int:
        answer = await self.http.post(CLICK, json={"affiliate_url": URL})
        if answer.status_code == 200:
            self.acknowledged.append(answer.json()["click_id"])
        return answer.status_code

    async def ready(self) -> Any:
        return (await self.http.get("/readyz")).json()

    async def healed(self) -> None:
        """Wait until it is ready; no click is acknowledged before that is in the file."""
        async with asyncio.timeout(HEALED_SECONDS):
            while (await self.ready())["status"] != "ready":
                await self.click()
                await asyncio.sleep(0.1)

    def recorded(self, path: Path | None = None) -> set[str]:
        """Return the clicks in the file, which must be whole."""
        with closing(sqlite3.connect(f"file:{path or self.path}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return {id for (id,) in connection.execute("SELECT click_id FROM affiliate_click_events")}

    def complaints(self) -> list[str]:
        lines = self.log.read_text().splitlines()
        assert not [line for line in lines if "Traceback" in line]
        return [line for line in lines if '"db.ingest.availability"' in line]


@pytest.fixture
async def served(make_sqlite: MakeDatabase, tmp_path: Path) -> AsyncIterator[Served]:
    folder = tmp_path / "data"
    folder.mkdir()
    path, backup, log = folder / "clicks.db", tmp_path / "backup.db", tmp_path / "log"
    shutil.copy(make_sqlite().removeprefix("sqlite:///"), path)
    url = f"sqlite:///{path}"
    await make_link(url)
    async with (
        serving(url, log=log, log_format="json") as (_, base),
        httpx.AsyncClient(base_url=base, timeout=20) as http,
    ):
        gateway = Served(path, backup, http, log)
        assert await gateway.click() == 200
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)
        assert await gateway.click() == 200
        yield gateway


def all_files(path: Path) -> list[Path]:
    return [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm") if Path(f"{path}{suffix}").exists()]


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
    # In this order, since the gateway may be closing its log, or opening another.
    for suffix in ("", "-wal", "-shm"):
        Path(f"{served.path}{suffix}").unlink(missing_ok=True)
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
    await served.click()  # it may find the new file already
    await asyncio.sleep(PROBE_INTERVAL_SECONDS)
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
    # A checkpoint that is under way right then would make the file as long as before.
    await asyncio.sleep(3 * CHECKPOINT_SECONDS)
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
