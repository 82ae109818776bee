"""The commands that run a gateway: `serve`, and `demo` with sample data and a shop."""

import asyncio
from pathlib import Path

import click

from gateway.configuration.settings import Settings
from gateway.demo import seed_data, welcome
from gateway.server.serve import prepare, serve


@click.command("serve")
@click.option("--host", help="Address to listen on, instead of CLICKGATE_HOST's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of CLICKGATE_PORT's.")
@click.option("--uds", type=click.Path(path_type=Path), help="Unix socket to listen on instead of an address and port.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Number of processes; more than one requires PostgreSQL.",
)
@click.option("--upgrade", "may_upgrade", is_flag=True, help="Upgrade an older PostgreSQL schema before serving.")
def serve_command(host: str | None, port: int | None, uds: Path | None, workers: int, may_upgrade: bool) -> None:
    """Run the gateway."""
    if uds is not None and (host is not None or port is not None):
        raise click.UsageError("--uds cannot be combined with --host or --port")
    settings = _listening(host, port, uds)
    asyncio.run(prepare(settings, may_upgrade=may_upgrade, workers=workers))
    serve(settings, workers=workers)


@click.command("demo")
@click.option("--host", help="Address to listen on, instead of CLICKGATE_HOST's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on, instead of CLICKGATE_PORT's.")
def demo_command(host: str | None, port: int | None) -> None:
    """Run a gateway with sample data.

    Fills an empty database with a program, partners, links and ninety days of clicks, serves a shop to click through
    and buy from, and prints tokens for the dashboard.
    """
    settings = _listening(host, port)
    asyncio.run(prepare(settings, may_upgrade=True, workers=1))
    asyncio.run(seed_data.fill(settings))
    click.echo(welcome.welcome(settings, asyncio.run(welcome.prepare_access(settings))))
    serve(settings, workers=1, app="gateway.demo.shop:create_app")


def _listening(host: str | None, port: int | None, uds: Path | None = None) -> Settings:
    given = {"host": host, "port": port, "uds": uds}
    update: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if host is not None or port is not None:
        update["uds"] = None
    return Settings().model_copy(update=update)
