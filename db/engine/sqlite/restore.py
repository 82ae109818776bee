"""Restoring a SQLite database from a backup.

No process may have the database open: a gateway would keep writing to the old file.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from db.engine.sqlite.database_copy import LOG_SUFFIXES, Progress, check_copy, copy_database, fsync, new_file
from db.engine.sqlite.file_access import beside, check_is_database, in_use, opened_exclusively
from db.errors import UnusableDatabase
from db.migrations.revisions import REVISIONS

try:
    import fcntl
except ImportError:  # Windows has its own file locks, and does not allow replacing an open file
    fcntl = None  # type: ignore[assignment]  # a module elsewhere

# Where SQLite's connections hold their shared locks; see https://www.sqlite.org/src/file/src/os.h.
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
# Used if the replaced file cannot tell which ids were assigned after the backup: more than gateways use up in days.
SKIPPED_IDS = 1_000_000_000


def restore(backup: Path, target: Path, *, now: datetime, progress: Progress) -> Path | None:
    """Replace a database that no process has open with a backup; return the path to which the old one was moved, if
    any.

    The backup is copied and checked first. The old database's write-ahead log is moved along with it, so that SQLite
    does not apply it to the new file. Ids assigned since the backup are not assigned again. Raises `UnusableDatabase`,
    `FileInUse` and `OSError`, which leave the old database in place.
    """
    if target.exists() and backup.exists() and target.samefile(backup):
        raise UnusableDatabase(f"{backup} is the database itself")
    _check_unused(target)  # checked again below, but the copy may take minutes
    with new_file(target) as copy:
        copy_database(backup, copy, progress)
        if check_copy(copy, backup) not in REVISIONS:
            raise UnusableDatabase(f"{backup} was made by a newer clickgate than this one")
        with _old_database(target) as (old, keep):
            _skip_used_ids(copy, old)
            _copy_ownership(target if target.exists() else backup, copy)
            fsync(copy)
            aside = _free_name(target, now) if target.exists() else None
            if aside is not None:
                keep(aside)
            copy.replace(target)
            for suffix in LOG_SUFFIXES:
                beside(target, suffix).unlink(missing_ok=True)
            fsync(target.absolute().parent)
    return aside


@contextmanager
def _old_database(target: Path) -> Iterator[tuple[sqlite3.Connection | None, Callable[[Path], None]]]:
    """Lock the database that is to be replaced, so that no other process can open it. Yields a connection to it, None
    if it is missing or unreadable, and a function that moves it aside. Raises `FileInUse`."""

    def link(aside: Path) -> None:
        try:
            os.link(
                target, aside
            )  # keeps the target in place until it is replaced, so no gateway creates a new database
        except OSError:
            target.rename(aside)

    def move_with_logs(aside: Path) -> None:
        link(aside)
        for suffix in LOG_SUFFIXES:
            with suppress(FileNotFoundError):
                beside(target, suffix).rename(beside(aside, suffix))

    if not target.exists():
        yield None, link
        return
    if not _looks_like_database(target):
        with _locked(target):
            yield None, move_with_logs
        return
    readable_as_database = False
    try:
        with opened_exclusively(target) as connection:
            # Moves the log's content into the file and removes the log.
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            connection.execute("BEGIN EXCLUSIVE")
            readable_as_database = True
            yield connection, link
            connection.execute("ROLLBACK")
    except sqlite3.DatabaseError:
        if readable_as_database:
            raise
        with _locked(target):
            yield None, move_with_logs


def _check_unused(path: Path) -> None:
    """Check that no other connection has a file open, whatever its content. Raises `FileInUse`."""
    if not path.exists():
        return
    if _looks_like_database(path):
        with suppress(sqlite3.DatabaseError), opened_exclusively(path):
            return
    with _locked(path):
        return


def _looks_like_database(path: Path) -> bool:
    """Return whether SQLite may open a file. It would damage other files, for example by removing their `-wal`."""
    try:
        check_is_database(path)
    except UnusableDatabase:
        return path.stat().st_size == 0
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock that SQLite would take, on a file that SQLite cannot open. Raises `FileInUse`."""
    with open(path, "r+b") as file:
        if fcntl is not None:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
            except OSError as error:
                raise in_use(path) from error
        yield


def _skip_used_ids(copy: Path, old: sqlite3.Connection | None) -> None:
    """Advance the next ids beyond all that may have been assigned since the backup. Visitors keep those ids, and an id
    must never refer to two rows."""
    blocks, numbers = _assigned_ids(old) if old is not None else ({}, {})
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for name, next_id in connection.execute("SELECT name, next_id FROM id_blocks").fetchall():
            given = blocks.get(name, next_id + SKIPPED_IDS) if name != "probe" else next_id
            connection.execute("UPDATE id_blocks SET next_id = ? WHERE name = ?", (max(given, next_id), name))
        has_numbers = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").fetchone()
        counted = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall() if has_numbers else []
        for name, number in counted:
            given = max(numbers.get(name, number + SKIPPED_IDS), number)
            connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (given, name))
        connection.execute("COMMIT")


def _assigned_ids(old: sqlite3.Connection) -> tuple[dict[str, int], dict[str, int]]:
    """Return the next id of each kind of block, and the last id of each autoincrement table, where they are
    readable."""
    try:
        blocks = dict(old.execute("SELECT name, next_id FROM id_blocks").fetchall())
        return blocks, dict(old.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    except sqlite3.DatabaseError:
        return {}, {}


def _copy_ownership(model: Path, copy: Path) -> None:
    """Copy a file's owner and mode to another file: the gateway may run as another user than the operator."""
    shutil.copymode(model, copy)
    stat = model.stat()
    with suppress(PermissionError):
        os.chown(copy, stat.st_uid, stat.st_gid)


def _free_name(target: Path, now: datetime) -> Path:
    """Return a free path beside the target whose name says what the file is."""
    stem = beside(target, f".before-restore-{now:%Y%m%dT%H%M%SZ}")
    names = (stem if number == 0 else beside(stem, f"-{number}") for number in range(1000))
    return next(name for name in names if not name.exists())
