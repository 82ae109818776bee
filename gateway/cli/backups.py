"""The commands that back up and restore a SQLite database. PostgreSQL has tools of its own."""

from collections.abc import Callable
from pathlib import Path

import click

from db.engine.sqlite.backend import checked_path
from db.engine.sqlite.backup import back_up
from db.engine.sqlite.restore import restore
from db.engine.store import Store
from db.errors import UnusableDatabase
from gateway.cli.progress import progress
from gateway.configuration.settings import Settings
from gateway.services import now

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command("backup")
@FILE
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def backup_command(file: Path, force: bool) -> None:
    """Back up the SQLite database to FILE while gateways keep running.

    The backup is a consistent snapshot. It is verified and flushed to disk, and FILE appears only once it is complete.
    The schema may be of another version. For PostgreSQL, use pg_dump.
    """
    source = _sqlite_file("pg_dump --format=custom")
    with progress("Copying", 100) as advance:
        back_up(source, file, force=force, progress=_percent(advance))
    click.echo(f"Backed up {source} to {file}.")


@click.command("restore")
@FILE
def restore_command(file: Path) -> None:
    """Replace the SQLite database with the backup FILE.

    Stop all gateways first: the command refuses to run while another process has the database open. The old database is
    kept beside the new one. Ids issued since the backup are not issued again. For PostgreSQL, use pg_restore.
    """
    target = _sqlite_file("pg_restore --clean")
    with progress("Copying", 100) as advance:
        aside = restore(file, target, now=now(), progress=_percent(advance))
    click.echo(f"Restored {target} from {file}." + (f" The old database is kept as {aside}." if aside else ""))


def _sqlite_file(otherwise: str) -> Path:
    """Return the database's file. Raises `UnusableDatabase` for PostgreSQL, with the command to use instead."""
    store = Store(Settings().database_url)
    if not store.is_sqlite:
        raise UnusableDatabase(f"this command is for SQLite only: for PostgreSQL, use `{otherwise}`")
    return checked_path(store.url)


def _percent(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    """Return a progress callback that takes copied and total pages, and advances in percent."""
    shown = 0

    def update(pages: int, total: int) -> None:
        nonlocal shown
        percent = 100 * pages // max(total, 1)
        if percent > shown:
            advance(percent - shown)
            shown = percent

    return update
