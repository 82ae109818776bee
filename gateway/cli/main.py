"""The entry point of the `clickgate` command.

A command's module is imported only when the command runs, because importing all of them takes longer than most commands
take to run.
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

# Each command's module in `gateway.cli`, and its name there.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "program": ("programs", "program"),
    "partner": ("partners", "partner"),
    "link": ("links", "link"),
    "token": ("tokens", "token"),
    "serve": ("serve", "serve_command"),
    "demo": ("serve", "demo_command"),
    "db": ("databases", "database"),
    "audit": ("databases", "audit_command"),
    "rollups": ("databases", "rollups"),
    "segments": ("databases", "segments"),
    "outbox": ("outbox", "outbox"),
    "backup": ("backups", "backup_command"),
    "restore": ("backups", "restore_command"),
    "openapi": ("schemas", "openapi_command"),
    "schema": ("schemas", "schema_command"),
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
        module, name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clickgate")
def cli() -> None:
    """Record affiliate clicks and report on them. Settings are read from CLICKGATE_* environment variables."""
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
        if (line := one_line_message(error)) is None:
            raise
        click.echo(f"clickgate: {line}", err=True)
        sys.exit(1)
