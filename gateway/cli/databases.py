"""The commands that look after a database: prepare it, check what is counted in it, and mend that."""

import asyncio
import json
import sys
from dataclasses import asdict

import click

from db.audit.report import Audit, audit
from db.engine.read_only_store import open_read_only
from db.engine.schema_revision import ensure_current
from db.engine.store import Store
from db.errors import UnusableDatabase
from db.rollups.rebuild import Rebuilt, events_to_read, rebuild
from gateway.cli.progress import progress
from gateway.server.serve import prepare
from gateway.settings import Settings

# A file that nobody had open is read without locks, and again where a gateway started meanwhile.
TRIES = 3


@click.group("db")
def database() -> None:
    """Prepare the database."""


@database.command("upgrade")
def upgrade_command() -> None:
    """Bring the database's schema to this version's. Safe to run again, and by several at once.

    Stop every gateway on a SQLite file first: it is refused while another process has the file open.
    """
    asyncio.run(prepare(Settings(), may_upgrade=True))
    click.echo("The schema is up to date.")


@click.command("audit")
def audit_command() -> None:
    """Recount the events against everything that is counted beside them; exit with 1 if anything differs.

    Gateways may go on meanwhile. Nothing is changed, so that a read-only copy, a standby server or a role that may
    only read will do.
    """
    found = asyncio.run(_audit(Settings().database_url))
    click.echo(json.dumps(asdict(found), default=str, indent=2))
    if found.difference_count:
        sys.exit(1)


async def _audit(url: str) -> Audit:
    for _ in range(TRIES):
        async with open_read_only(url) as opened:
            await ensure_current(opened.store, may_upgrade=False, may_create=False)
            found = await audit(opened.store)
            if not opened.moved():
                return found
    raise UnusableDatabase(f"{found.database} was opened by a gateway again and again while it was read: try once more")


@click.group("rollups")
def rollups() -> None:
    """The sums that reports are made of."""


@rollups.command("rebuild")
def rebuild_command() -> None:
    """Compare the rollups with the events, and write anew what differs. Gateways may go on meanwhile."""
    done = asyncio.run(_rebuild(Settings().database_url))
    click.echo(f"{done.written} rows written anew, {done.removed} removed.")


async def _rebuild(url: str) -> Rebuilt:
    store = Store(url)
    try:
        await ensure_current(store, may_upgrade=False, may_create=False)
        with progress("Comparing the rollups", await events_to_read(store)) as advance:
            return await rebuild(store, advance)
    finally:
        await store.close()
