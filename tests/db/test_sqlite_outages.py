"""SQLite files that cannot be written: because of a full disk, a damaged page or another process's lock."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.captured_log import Log
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link, running_gateway
from tests.support.outages import check_not_ready, check_ready, fill, small_disk

pytestmark = pytest.mark.slow


async def test_a_full_disk_is_an_outage_until_space_is_freed(
    make_sqlite: MakeDatabase, tmp_path: Path, log: Log
) -> None:
    template = Path(make_sqlite().removeprefix("sqlite:///"))
    with small_disk(tmp_path) as disk:
        (disk / "clicks.db").write_bytes(template.read_bytes())
        url = f"sqlite:///{disk / 'clicks.db'}"
        await make_link(url)
        async with running_gateway(url) as gateway:
            await check_ready(gateway)
            filling = disk / "filling"
            # A log that was copied has room for clicks, which overwrite it from its start.
            with closing(sqlite3.connect(disk / "clicks.db")) as connection:
                while not filling.exists() or (disk / "clicks.db-wal").stat().st_size:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    fill(filling)
            for _ in range(3):
                assert (await gateway.track()).status_code == 503
            assert await check_not_ready(gateway) == "the database has no space or memory left"
            filling.unlink()
            await check_ready(gateway)
            assert await gateway.recorded() == 2
    assert len(log.complaints) == 2


async def test_a_damaged_page_is_an_outage(make_sqlite: MakeDatabase, log: Log) -> None:
    url = make_sqlite()
    await make_link(url)
    path = Path(url.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'customers'").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    async with running_gateway(url) as gateway:
        assert await check_not_ready(gateway) == "the database is damaged"
        assert (await gateway.track()).status_code == 503
    assert len(log.complaints) == 1


async def test_a_locked_file_is_not_ready(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    await make_link(url)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    async with running_gateway(url) as gateway:
        await check_ready(gateway)
        other.execute("BEGIN EXCLUSIVE")
        assert not await check_not_ready(gateway)
        other.rollback()
        await check_ready(gateway)
    other.close()
