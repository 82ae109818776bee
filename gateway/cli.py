"""The command `clickgate`: run a gateway, prepare its database, check its counters."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from pydantic import ValidationError

from db.audit import Audit, audit
from db.errors import StoreError, UnusableDatabase
from db.revision import ensure_current
from db.store import Store
from gateway import administration, logs
from gateway.app import PathTaken
from gateway.demo import filling, signing_in
from gateway.geo import GeoDatabaseError
from gateway.serve import prepare, serve
from gateway.settings import PREFIX, Settings
from graph.errors import ClickgateError
from graph.schema.build import build_schema
from rest.openapi import document


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clickgate")
def cli() -> None:
    """Record affiliate clicks and show them. Settings come from CLICKGATE_* in the environment; see the README."""
    logs.configure(Settings())


cli.add_command(administration.program)
cli.add_command(administration.partner)
cli.add_command(administration.link)
cli.add_command(administration.token)


@cli.command("serve")
@click.option("--host", help="Address to listen on, instead of CLICKGATE_HOST's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of CLICKGATE_PORT's.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes; PostgreSQL only.")
@click.option("--upgrade", "may_upgrade", is_flag=True, help="Upgrade an older PostgreSQL schema before serving.")
def serve_command(host: str | None, port: int | None, workers: int, may_upgrade: bool) -> None:
    """Run the gateway until it is told to stop."""
    settings = _listening(host, port)
    asyncio.run(prepare(settings, may_upgrade=may_upgrade, workers=workers))
    serve(settings, workers=workers)


@cli.command("demo")
@click.option("--host", help="Address to listen on, instead of CLICKGATE_HOST's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of CLICKGATE_PORT's.")
def demo_command(host: str | None, port: int | None) -> None:
    """Fill an empty database with a program, partners, links and ninety days of clicks, and run the gateway on it, with
    a shop to click through and tokens for the dashboard."""
    settings = _listening(host, port)
    asyncio.run(prepare(settings, may_upgrade=True, workers=1))
    asyncio.run(filling.fill(settings))
    click.echo(signing_in.welcome(settings, asyncio.run(signing_in.open_doors(settings))))
    serve(settings, workers=1, app="gateway.demo.shop:create_app")


@cli.group("db")
def database() -> None:
    """Prepare the database."""


@database.command("upgrade")
def upgrade_command() -> None:
    """Bring the database's schema to this version's. Safe to run again, and by several at once."""
    asyncio.run(prepare(Settings(), may_upgrade=True))
    click.echo("The schema is up to date.")


@cli.command("audit")
def audit_command() -> None:
    """Recount the events against every counter; exit with 1 if any differs. Gateways may go on meanwhile."""
    store = Store(Settings().database_url)
    if store.is_sqlite and not Path(store.url.database or "").exists():
        raise UnusableDatabase(f"there is no {store.name}")  # and one made here would pass every audit
    found = asyncio.run(_audit(store))
    click.echo(json.dumps(asdict(found), default=str, indent=2))
    if found.differences:
        sys.exit(1)


@cli.command("openapi")
def openapi_command() -> None:
    """Print the OpenAPI document."""
    click.echo(json.dumps(document(), indent=2, ensure_ascii=False))


@cli.command("schema")
def schema_command() -> None:
    """Print the GraphQL schema, as SDL."""
    click.echo(build_schema().as_str())


def main() -> None:
    """Run the command line; what an operator can mend is told in one line, without a traceback."""
    try:
        cli()
    except ValidationError as error:
        for problem in error.errors():
            name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            click.echo(f"clickgate: {name}: {problem['msg'].removeprefix('Value error, ')}", err=True)
        sys.exit(2)
    except (StoreError, ClickgateError, GeoDatabaseError, PathTaken, filling.NotEmpty) as error:
        click.echo(f"clickgate: {error}", err=True)
        sys.exit(1)


def _listening(host: str | None, port: int | None) -> Settings:
    settings = Settings()
    return settings.model_copy(
        update={"host": settings.host if host is None else host, "port": settings.port if port is None else port}
    )


async def _audit(store: Store) -> Audit:
    try:
        await ensure_current(store, may_upgrade=False)
        return await audit(store)
    finally:
        await store.close()
