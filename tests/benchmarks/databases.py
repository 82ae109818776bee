"""Fresh databases with a hundred links, and checks of what the gateway stored in them.

The links are created through the gateway's own resolvers, and its own audit checks the counters: a benchmark of clicks
that were lost would be worthless.
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
from gateway.configuration.settings import Settings
from gateway.services import offline_services
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
# An audit reads all events, of which a soak test leaves millions.
COMMAND_SECONDS = 300


@contextmanager
def postgresql(url: str | None, folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield a function that creates an empty database and returns its URL, on the given server or on a temporary one.

    On a given server, the databases are dropped at the end.
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
    """Create an empty database on a PostgreSQL server; return its URL."""
    name = f"clickgate_{name}_{token_hex(4)}"
    asyncio.run(_command(server, f'CREATE DATABASE "{name}"'))
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def sqlite(folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield a function that returns the URL of a SQLite file that does not exist yet."""
    yield lambda name: f"sqlite:///{folder / name}-{token_hex(4)}.db"


def fresh_databases(
    kind: str, folder: Path, postgresql_url: str | None
) -> AbstractContextManager[Callable[[str], str]]:
    """Return the context manager that provides empty databases of a kind, `sqlite` or `postgresql`."""
    return sqlite(folder) if kind == "sqlite" else postgresql(postgresql_url, folder)


def prepare(url: str) -> int:
    """Create the schema, a program, its partners and its links; return the program's id."""
    clickgate(url, "db", "upgrade")
    return asyncio.run(_fill(url))


def clickgate(url: str, *arguments: str) -> str:
    """Run one of the gateway's commands to completion; return its output. Raises `Wrong` if it fails."""
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
    """Run the audit; return the number of events. Raises `Wrong` if a counter is wrong, or if there are fewer events
    than acknowledged clicks."""
    found = json.loads(clickgate(url, "audit"))
    if found["differences"] or found["events"] < answered:
        raise Wrong(f"{answered} clicks were answered, but the audit found {json.dumps(found, indent=2)}")
    events: int = found["events"]
    return events


async def stored_clicks(url: str) -> Sequence[tuple[str | None, str]]:
    """Return the `event_id` and `click_id` of every event."""
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
        program_id: int = (await programs.create(context, programs.NewProgram(name="Benchmark")))["id"]
        members: list[int] = []
        for number in range(PARTNERS):
            made = await partners.create(context, name=f"Partner {number}")
            await partners.join(context, partner_id=made["id"], program_id=program_id)
            members.append(made["id"])
        for number, code in enumerate([*CODES, PAUSED_CODE]):
            await links.create(
                context, links.NewLink(code=code, program_id=program_id, partner_id=members[number % PARTNERS])
            )
        await links.pause(context, PAUSED_CODE)
        return program_id


async def _command(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
