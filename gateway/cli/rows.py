"""What the commands share that manage programs, partners, links and tokens.

They call the same domain functions as the API, as an administrator, on a database that there is already. Running
gateways pick up the changes by themselves.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from db.engine.store import Store
from gateway.configuration.settings import Settings
from gateway.services import offline_services
from graph.domain.context import Context
from graph.domain.permissions import ADMINISTRATOR

T = TypeVar("T")

PROGRAM_ID = "--program-id", "--program", "program_id"
PARTNER_ID = "--partner-id", "--partner", "partner_id"
# The range of the databases' integer ids.
ROW_ID = click.IntRange(1, 2**63 - 1)


def run(verb: Callable[[Context], Awaitable[T]]) -> T:
    """Run a domain function as an administrator, and say in which database."""

    async def run_in_database() -> T:
        async with offline_services(Settings(), may_create=False) as services:
            done = await verb(Context(services, viewer=ADMINISTRATOR))
            click.echo(f"Database: {_shown(services.store)}", err=True)
            return done

    return asyncio.run(run_in_database())


def _shown(store: Store) -> str:
    """Return where a database is: a file's path, or a URL without its password."""
    return str(Path(store.url.database or "").resolve()) if store.is_sqlite else store.name


def print_row(verb: Callable[[Context], Awaitable[Mapping[str, Any]]]) -> None:
    """Run a domain function, and print the row that it returns as JSON, without its version."""
    row = {key: value for key, value in run(verb).items() if key != "version"}
    click.echo(json.dumps(row, default=lambda moment: moment.isoformat(), ensure_ascii=False))


def given(**options: Any) -> Mapping[str, Any]:
    """Return the options that were given. Raises `UsageError` if there are none: a command would change nothing."""
    found = {name: value for name, value in options.items() if value is not None}
    if not found:
        raise click.UsageError("Nothing to change: give at least one option.")
    return found
