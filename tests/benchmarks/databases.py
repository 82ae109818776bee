"""Fresh databases with a hundred links, and what the gateway left in them.

The links are made through the gateway's own resolvers, the counters are checked by its own audit: a benchmark of clicks
that were lost would measure nothing.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Literal, TypeAlias

import asyncpg
from sqlalchemy import make_url, select

from db.engine.store import Store
from db.schema.clicks import ClickEvent
from gateway.services import offline_services
from gateway.settings import Settings
from graph.domain import links, partners, programs
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR
from tests.benchmarks.postgres_server import Cluster
from tests.benchmarks.script_result import Wrong
from tests.benchmarks.servers import SCRIPTS

Kind: TypeAlias = Literal["sqlite", "postgresql"]

LINKS, PARTNERS = 100, 10
CODES = [f"CODE{number:04d}" for number in range(LINKS)]
PAUSED_CODE = "PAUSED"
# An audit reads every event; a soak leaves some millions.
COMMAND_SECONDS = 300


@contextmanager
def postgresql(url: str | None, folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield a function that makes an empty database and returns its URL, on the server given or one of our own.

    On a server that is given, the databases are dropped in the end; of our own nothing is left.
    """
    made: list[str] = []
    if url is None:
        cluster = Cluster(folder / "postgresql")
        try:
            yield lambda name: new_database(cluster.url, name)
        finally:
            cluster.close()
        return

    def make(name: str) -> str:
        made.append(new_database(url, name))
        return made[-1]

    try:
        yield make
    finally:
        for database in made:
            asyncio.run(_command(url, f'DROP DATABASE "{make_url(database).database}" WITH (FORCE)'))


def new_database(server: str, name: str) -> str:
    """Make an empty database on a PostgreSQL server; return its URL."""
    name = f"clickgate_{name}_{token_hex(4)}"
    asyncio.run(_command(server, f'CREATE DATABASE "{name}"'))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def sqlite(folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield a function that returns the URL of a database file that does not exist yet."""
    yield lambda name: f"sqlite:///{folder / name}-{token_hex(4)}.db"


def fresh_databases(
    kind: str, folder: Path, postgresql_url: str | None
) -> AbstractContextManager[Callable[[str], str]]:
    """Return what gives a function that makes empty databases of a kind, `sqlite` or `postgresql`."""
    return sqlite(folder) if kind == "sqlite" else postgresql(postgresql_url, folder)


def prepare(url: str) -> int:
    """Make the schema, a program, its partners and links; return the program's id."""
    clickgate(url, "db", "upgrade")
    return asyncio.run(_fill(url))


def clickgate(url: str, *arguments: str) -> str:
    """Run a command of the gateway's to its end, and return what it printed. Raises `Wrong` where it fails."""
    ran = subprocess.run(
        [SCRIPTS / "clickgate", *arguments],
        env={**os.environ, "CLICKGATE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    if ran.returncode:
        raise Wrong(f"clickgate {' '.join(arguments)} exited with {ran.returncode}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def audit(url: str, *, answered: int) -> int:
    """Recount; return how many events there are. Raises `Wrong` where a counter differs, or where more clicks were
    answered than there are events."""
    found = json.loads(clickgate(url, "audit"))
    if found["differences"] or found["events"] < answered:
        raise Wrong(f"{answered} clicks were answered, but the audit found {json.dumps(found, indent=2)}")
    events: int = found["events"]
    return events


async def stored_clicks(url: str) -> Sequence[tuple[str | None, str]]:
    """Return the event_id and the click_id of every event."""
    store = Store(url)
    try:
        async with store.read() as connection:
            rows = await connection.execute(select(ClickEvent.event_id, ClickEvent.click_id))
            return [(row.event_id, row.click_id) for row in rows]
    finally:
        await store.close()


async def _fill(url: str) -> int:
    async with offline_services(Settings(database_url=url)) as services:
        context = Context(services, viewer=ADMINISTRATOR)
        program_id: int = (await programs.create(context, name="Benchmark"))["id"]
        members: list[int] = []
        for number in range(PARTNERS):
            made = await partners.create(context, name=f"Partner {number}")
            await partners.join(context, partner_id=made["id"], program_id=program_id)
            members.append(made["id"])
        for number, code in enumerate([*CODES, PAUSED_CODE]):
            await links.create(context, code=code, program_id=program_id, partner_id=members[number % PARTNERS])
        await links.pause(context, PAUSED_CODE)
        return program_id


async def _command(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
