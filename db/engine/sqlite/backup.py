"""Backing up a SQLite database into a single file, while gateways may be using it.

The `-wal` file beside a database holds recent commits, so copying the database file alone would lose them.
"""

import os
import shutil
from pathlib import Path

from db.engine.sqlite.database_copy import Progress, check_copy, copy_database, fsync, new_file
from db.engine.sqlite.file_access import beside
from db.errors import UnusableDatabase


def back_up(source: Path, target: Path, *, force: bool, progress: Progress) -> None:
    """Write a snapshot of a database to a file, which appears only when it is complete and on disk.

    Gateways may keep running. Raises `OSError`, and `UnusableDatabase` if the target exists without `force`, if it is
    in use, or if the copy fails SQLite's integrity check.
    """
    _check_target(source, target, force=force)
    with new_file(target) as copy:
        copy_database(source, copy, progress)
        check_copy(copy, source)
        shutil.copymode(source, copy)
        fsync(copy)
        if force:
            copy.replace(target)
        else:
            _rename_to_new(copy, target)
    fsync(target.absolute().parent)


def _check_target(source: Path, target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise UnusableDatabase(f"{target} is a directory: name a file in it")
    if not target.absolute().parent.is_dir():
        raise UnusableDatabase(f"the folder {target.absolute().parent} does not exist")
    if target.exists():
        if source.exists() and target.samefile(source):
            raise UnusableDatabase(f"{target} is the database itself")
        if not force:
            raise _exists(target)
    if beside(target, "-wal").exists():
        raise UnusableDatabase(f"{target} looks like a database in use, because {target}-wal exists: name another file")


def _exists(target: Path) -> UnusableDatabase:
    return UnusableDatabase(f"{target} already exists: name another file, or replace it with --force")


def _rename_to_new(copy: Path, target: Path) -> None:
    """Rename a file to a name that must be free, atomically if the file system supports hard links."""
    try:
        os.link(copy, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError:
        copy.rename(target)
