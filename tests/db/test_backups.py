"""Backing up SQLite while a gateway records clicks, and restoring after a gateway was killed."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from db.engine.store import Store
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import clickgate, kill, serving

pytestmark = pytest.mark.slow

CLICK = {"affiliate_url": "https://yoursite.com/?aff=PARTNER123"}


def path_of(url: str) -> Path:
    return Path(Store(url).url.database or "")


def scalar(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        ((value,),) = connection.execute(query)
        return int(value)


EVENTS = "SELECT count(*) FROM affiliate_click_events"


async def send(url: str, clicks: int) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(clicks):
            assert (await http.post(f"{url}/api/v1/track/click", json=CLICK)).status_code == 200


async def test_a_backup_taken_from_a_busy_gateway_is_restored_after_the_gateway_is_killed(
    make_sqlite: MakeDatabase, tmp_path: Path
) -> None:
    url = make_sqlite()
    database, copy = path_of(url), tmp_path / "copy.db"
    await make_link(url)
    async with serving(url) as (process, base):
        await send(base, 20)
        sending = asyncio.create_task(send(base, 60))
        done = await asyncio.to_thread(clickgate, url, "backup", str(copy))
        assert done.returncode == 0, done.stderr
        await sending
        assert clickgate(f"sqlite:///{copy}", "audit").returncode == 0
        assert [file.name for file in tmp_path.iterdir()] == ["copy.db"], "it is one file, and audits leave it alone"
        held = 20 <= scalar(copy, EVENTS) <= 80
        assert held
        refused = clickgate(url, "restore", str(copy))
        assert refused.returncode == 1
        assert "another process has" in refused.stderr
        given = scalar(database, "SELECT next_id FROM id_blocks WHERE name = 'click_events'")
        await kill(process)
    assert database.with_name(database.name + "-wal").stat().st_size
    restored = clickgate(url, "restore", str(copy))
    assert restored.returncode == 0, restored.stderr
    assert scalar(database, EVENTS) == scalar(copy, EVENTS)
    assert scalar(database, "SELECT next_id FROM id_blocks WHERE name = 'click_events'") >= given
    (aside,) = database.parent.glob(f"{database.name}.before-restore-*")
    assert scalar(aside, EVENTS) == 80
    async with serving(url) as (_, base):
        await send(base, 5)
        assert clickgate(url, "audit").returncode == 0


async def test_restoring_over_a_damaged_database_keeps_it_with_its_log(
    make_sqlite: MakeDatabase, tmp_path: Path
) -> None:
    url = make_sqlite()
    database, copy = path_of(url), tmp_path / "copy.db"
    await make_link(url)
    assert clickgate(url, "backup", str(copy)).returncode == 0
    before = scalar(copy, "SELECT next_id FROM id_blocks WHERE name = 'customers'")
    database.write_bytes(b"garbage" * 1000)
    database.with_name(database.name + "-wal").write_bytes(b"more garbage")
    assert clickgate(url, "restore", str(copy)).returncode == 0
    assert clickgate(url, "audit").returncode == 0
    assert not database.with_name(database.name + "-wal").exists()
    (log,) = database.parent.glob(f"{database.name}.before-restore-*-wal")
    assert log.read_bytes() == b"more garbage"
    assert scalar(database, "SELECT next_id FROM id_blocks WHERE name = 'customers'") > before + 1_000_000


def test_a_backup_replaces_an_existing_file_only_when_forced(make_sqlite: MakeDatabase, tmp_path: Path) -> None:
    url = make_sqlite()
    copy = tmp_path / "copy.db"
    copy.write_text("precious")
    refused = clickgate(url, "backup", str(copy))
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert copy.read_text() == "precious"
    assert clickgate(url, "backup", "--force", str(copy)).returncode == 0
    assert clickgate(url, "backup", "--force", str(path_of(url))).returncode == 1
    assert [file.name for file in tmp_path.iterdir()] == ["copy.db"]


@pytest.mark.parametrize("damage", ["truncated", "foreign", "newer"])
def test_an_unusable_backup_is_rejected(make_sqlite: MakeDatabase, tmp_path: Path, damage: str) -> None:
    url, backup = make_sqlite(), tmp_path / "backup.db"
    shutil.copy(path_of(url), backup)
    match damage:
        case "truncated":
            backup.write_bytes(backup.read_bytes()[:-8192])
        case "foreign":
            backup.unlink()
            with closing(sqlite3.connect(backup, isolation_level=None)) as connection:
                connection.execute("CREATE TABLE something (id INTEGER)")
        case "newer":
            with closing(sqlite3.connect(backup, isolation_level=None)) as connection:
                connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path_of(url).read_bytes()
    done = clickgate(url, "restore", str(backup))
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("clickgate: ")]) == 1
    assert path_of(url).read_bytes() == before


def test_postgresql_backups_are_left_to_its_own_tools() -> None:
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        done = clickgate("postgresql://nobody@127.0.0.1:1/nothing", command, "copy.db")
        assert done.returncode == 1
        assert tool in done.stderr
