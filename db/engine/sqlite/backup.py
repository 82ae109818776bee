"""Backing up a SQLite database into a single file, while gateways may be using it."""

import os
import shutil
from pathlib import Path

from db.engine.sqlite.database_copy import Progress, check_copy, copy_database, new_file, fsync
from db.engine.sqlite.file_access import beside
from db.errors import UnusableDatabase


def back_up(source: Path, target: Path, *, force: bool, progress: Progress) -> None:
    """Write one snapshot of a database into a single file, which appears whole and on the disk or not at all.

    Gateways may go on meanwhile. Raises `UnusableDatabase` where the target exists and `force` does not allow to
    replace it, where it is in use, and where the copy does not pass SQLite's integrity check; `OSError`.
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
        raise UnusableDatabase(f"there is no folder {target.absolute().parent}")
    if target.exists():
        if source.exists() and target.samefile(source):
            raise UnusableDatabase(f"{target} is the database itself")
        if not force:
            raise _exists(target)
    if beside(target, "-wal").exists():
        raise UnusableDatabase(f"{target} looks like a database in use, as {target}-wal exists: name another file")


def _exists(target: Path) -> UnusableDatabase:
    return UnusableDatabase(f"{target} exists already: name another file, or replace it with --force")


def _rename_to_new(copy: Path, target: Path) -> None:
    """Rename a file to a name that must not be taken, in one step where the file system can."""
    try:
        os.link(copy, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError:
        copy.rename(target)
