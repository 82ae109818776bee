"""The commands that copy a SQLite database, and put a copy back. PostgreSQL has its own tools for that."""

from collections.abc import Callable
from pathlib import Path

import click

from db.engine.sqlite.backend import checked_path
from db.engine.sqlite.backup import back_up
from db.engine.sqlite.restore import restore
from db.engine.store import Store
from db.errors import UnusableDatabase
from gateway.cli.progress import progress
from gateway.services import now
from gateway.settings import Settings

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command("backup")
@FILE
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def backup_command(file: Path, force: bool) -> None:
    """Copy the SQLite database into FILE, one snapshot, while gateways go on.

    The copy is checked, is on the disk when the command ends, and appears whole or not at all. It does not need the
    schema to be this version's. For PostgreSQL, use pg_dump.
    """
    source = _sqlite_file("pg_dump --format=custom")
    with progress("Copying", 100) as advance:
        back_up(source, file, force=force, progress=_percent(advance))
    click.echo(f"{source} is backed up to {file}.")


@click.command("restore")
@FILE
def restore_command(file: Path) -> None:
    """Put the backup FILE in the place of the SQLite database.

    Stop every gateway first: it is refused while another process has the database open. The old database is kept
    beside the new one. Ids that were given since the backup are not given again. For PostgreSQL, use pg_restore.
    """
    target = _sqlite_file("pg_restore --clean")
    with progress("Copying", 100) as advance:
        aside = restore(file, target, now=now(), progress=_percent(advance))
    click.echo(f"{target} is restored from {file}." + (f" The old one is kept as {aside}." if aside else ""))


def _sqlite_file(otherwise: str) -> Path:
    """Return the database's file. Raises `UnusableDatabase` for PostgreSQL, naming the command to take instead."""
    store = Store(Settings().database_url)
    if not store.is_sqlite:
        raise UnusableDatabase(f"PostgreSQL has its own tools for this: use `{otherwise}`; see the README")
    return checked_path(store.url)


def _percent(advance: Callable[[int], None]) -> Callable[[int, int], None]:
    told = 0

    def tell(pages: int, of: int) -> None:
        nonlocal told
        percent = 100 * pages // max(of, 1)
        if percent > told:
            advance(percent - told)
            told = percent

    return tell
