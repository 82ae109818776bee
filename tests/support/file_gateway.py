"""A gateway in its own process, on a SQLite file that a test damages."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.click_apis import CLICK
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.processes import serving

HEALED_SECONDS = 8
URL = "https://yoursite.com/?aff=PARTNER123"


@dataclass
class Served:
    """A gateway in its own process, its file, a backup of the file, and the clicks it acknowledged."""

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
        """Wait until the gateway is ready. Until then it must not acknowledge a click that is not in the file."""
        async with asyncio.timeout(HEALED_SECONDS):
            while (await self.ready())["status"] != "ready":
                await self.click()
                await asyncio.sleep(0.1)

    def recorded(self, path: Path | None = None) -> set[str]:
        """Check that the file is intact; return its clicks."""
        with closing(sqlite3.connect(f"file:{path or self.path}?mode=ro", uri=True)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return {id for (id,) in connection.execute("SELECT click_id FROM affiliate_click_events")}

    def complaints(self) -> list[str]:
        lines = self.log.read_text().splitlines()
        assert not [line for line in lines if "Traceback" in line]
        return [line for line in lines if '"db.ingest.writer"' in line]


@asynccontextmanager
async def serving_file(make_sqlite: MakeDatabase, tmp_path: Path) -> AsyncIterator[Served]:
    """Run a gateway on a file with two clicks, the first of which is in the backup."""
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
