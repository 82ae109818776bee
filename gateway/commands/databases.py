"""The commands about a database: prepare it, and check its counters."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from db.audit import Audit, audit
from db.errors import UnusableDatabase
from db.revision import ensure_current
from db.store import Store
from gateway.serve import prepare
from gateway.settings import Settings


@click.group("db")
def database() -> None:
    """Prepare the database."""


@database.command("upgrade")
def upgrade_command() -> None:
    """Bring the database's schema to this version's. Safe to run again, and by several at once."""
    asyncio.run(prepare(Settings(), may_upgrade=True))
    click.echo("The schema is up to date.")


@click.command("audit")
def audit_command() -> None:
    """Recount the events against every counter; exit with 1 if any differs. Gateways may go on meanwhile."""
    store = Store(Settings().database_url)
    if store.is_sqlite and not Path(store.url.database or "").exists():
        raise UnusableDatabase(f"there is no {store.name}")  # and one made here would pass every audit
    found = asyncio.run(_audit(store))
    click.echo(json.dumps(asdict(found), default=str, indent=2))
    if found.differences:
        sys.exit(1)


async def _audit(store: Store) -> Audit:
    try:
        await ensure_current(store, may_upgrade=False)
        return await audit(store)
    finally:
        await store.close()
