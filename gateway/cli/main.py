"""The command `clickgate`: run a gateway, prepare its database, check its counters.

A command's module is imported only where it is run: what all of them need together takes longer to import than most of
them take to run.
"""

import gc
import sys
from collections.abc import Mapping
from importlib import import_module

import click
from pydantic import ValidationError

from gateway import logs
from gateway.cli.environment import check_texts, warn_of_unknown_settings
from gateway.error_messages import one_line_message
from gateway.settings import PREFIX, Settings

# The module in `gateway.cli`, and the command in it.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "program": ("administration", "program"),
    "partner": ("administration", "partner"),
    "link": ("administration", "link"),
    "token": ("administration", "token"),
    "serve": ("serve", "serve_command"),
    "demo": ("serve", "demo_command"),
    "db": ("databases", "database"),
    "audit": ("databases", "audit_command"),
    "rollups": ("databases", "rollups"),
    "backup": ("backups", "backup_command"),
    "restore": ("backups", "restore_command"),
    "openapi": ("schemas", "openapi_command"),
    "schema": ("schemas", "schema_command"),
}
# More than modules are made of. All that stays, and to look for garbage among it, every 700 objects, takes a tenth of a
# start.
START_OBJECTS = 300_000


class Commands(click.Group):
    """The commands of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clickgate")
def cli() -> None:
    """Record affiliate clicks and show them. Settings come from CLICKGATE_* in the environment; see the README."""
    logs.configure(Settings())
    warn_of_unknown_settings()


def main() -> None:
    """Run the command line; what an operator can mend is told in one line, without a traceback."""
    gc.set_threshold(START_OBJECTS)
    try:
        check_texts()
        cli()
    except ValidationError as error:
        for problem in error.errors():
            name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
            click.echo(f"clickgate: {name}: {problem['msg'].removeprefix('Value error, ')}", err=True)
        sys.exit(2)
    except Exception as error:
        if (told := one_line_message(error)) is None:
            raise
        click.echo(f"clickgate: {told}", err=True)
        sys.exit(1)
