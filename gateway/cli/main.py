"""The entry point of the `clickgate` command.

A command's module is imported only when the command runs, because importing all of them takes longer than most commands
take to run.
"""

import gc
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

import click
from pydantic import ValidationError

from gateway.cli.environment import check_texts, warn_of_unknown_settings
from gateway.configuration.settings import PREFIX, Settings


class Listed(NamedTuple):
    """A command's module in `gateway.cli`, its name there, and the first sentence of its help."""

    module: str
    name: str
    summary: str


COMMANDS: Mapping[str, Listed] = {
    "program": Listed("programs", "program", "Manage programs, which advertisers run."),
    "partner": Listed("partners", "partner", "Manage partners, who refer visitors."),
    "link": Listed("links", "link", "Manage referral links."),
    "token": Listed("tokens", "token", "Manage API tokens."),
    "serve": Listed("serve", "serve_command", "Run the gateway."),
    "demo": Listed("serve", "demo_command", "Run a gateway with sample data."),
    "db": Listed("databases", "database", "Manage the database's schema, look at its size, and drop old clicks."),
    "audit": Listed("databases", "audit_command", "Check all stored counters against the events."),
    "rollups": Listed("databases", "rollups", "Manage the rollups that reports are computed from."),
    "segments": Listed("databases", "segments", "Manage the segments that reports by dimension are computed from."),
    "outbox": Listed("outbox", "outbox", "The log of what was recorded, and the consumers that work through it."),
    "backup": Listed("backups", "backup_command", "Back up the SQLite database to FILE while gateways keep running."),
    "restore": Listed("backups", "restore_command", "Replace the SQLite database with the backup FILE."),
    "openapi": Listed("schemas", "openapi_command", "Print the OpenAPI document."),
    "schema": Listed("schemas", "schema_command", "Print the GraphQL schema as SDL."),
}
# More objects than the imported modules create. None of them are garbage, and looking for some at Python's default
# threshold of 700 objects takes a tenth of the start-up time.
GC_THRESHOLD = 300_000


class Commands(click.Group):
    """A group that imports its commands on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        listed = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"gateway.cli.{listed.module}"), listed.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clickgate")
def cli() -> None:
    """Record affiliate clicks and report on them. Settings are read from CLICKGATE_* environment variables."""
    from gateway import logs  # imported late, like the commands, so that help is printed at once

    logs.configure(Settings())
    warn_of_unknown_settings()


def main() -> None:
    """Run the command line. Errors that an operator can fix are printed in one line, without a traceback."""
    gc.set_threshold(GC_THRESHOLD)
    try:
        check_texts()
        cli()
    except ValidationError as error:
        for problem in error.errors():
            name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            click.echo(f"clickgate: {name}: {problem['msg'].removeprefix('Value error, ')}", err=True)
        sys.exit(2)
    except Exception as error:
        from gateway.error_messages import one_line_message  # imported late, see above

        if (line := one_line_message(error)) is None:
            raise
        click.echo(f"clickgate: {line}", err=True)
        sys.exit(1)
