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

from db.engine.sqlite.database_copy import LOG_SUFFIXES, Progress, check_copy, copy_database, new_file, fsync
from db.engine.sqlite.file_access import beside, check_is_database, in_use, opened_exclusively
from db.errors import UnusableDatabase
from db.migrations.revisions import REVISIONS

try:
    import fcntl
except ImportError:  # Windows has its own file locks, and does not allow replacing an open file
    fcntl = None  # type: ignore[assignment]

# Where SQLite's connections hold their shared locks; see https://www.sqlite.org/src/file/src/os.h.
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
# Used if the replaced file cannot tell which ids were assigned after the backup: more than gateways use up in days.
SKIPPED_IDS = 1_000_000_000


def restore(backup: Path, target: Path, *, now: datetime, progress: Progress) -> Path | None:
    """Put a backup in the place of a database that nobody has open; return where the old one is kept, if there was one.

    The backup is checked and copied first. A write-ahead log that the old database left behind goes with it, so that
    it cannot spoil the new one. Ids that were given since the backup are not given again. Raises `UnusableDatabase`,
    `FileInUse`, `OSError`; then the old database is where it was.
    """
    if target.exists() and backup.exists() and target.samefile(backup):
        raise UnusableDatabase(f"{backup} is the database itself")
    _check_unused(target)  # it would be a pity to find out after the copy
    with new_file(target) as copy:
        copy_database(backup, copy, progress)
        if check_copy(copy, backup) not in REVISIONS:
            raise UnusableDatabase(f"{backup} is of a newer clickgate than this one")
        with _old_database(target) as (old, keep):
            _skip_used_ids(copy, old)
            _take_over(target if target.exists() else backup, copy)
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
    """Give the database that is to be replaced, while nobody else can open it, and what keeps it aside; no connection
    where there is none, or none that can be read. Raises `FileInUse`."""

    def link(aside: Path) -> None:
        try:
            os.link(target, aside)  # so that there is a database at any moment, and no gateway makes a new one
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
            # What is in the log goes into the file; from here on there is none.
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
    """Return if no other connection has a file open, whatever it holds. Raises `FileInUse`."""
    if not path.exists():
        return
    if _looks_like_database(path):
        with suppress(sqlite3.DatabaseError), opened_exclusively(path):
            return
    with _locked(path):
        return


def _looks_like_database(path: Path) -> bool:
    """Return whether SQLite may be let near a file: to one that is none it would do things, such as remove its log."""
    try:
        check_is_database(path)
    except UnusableDatabase:
        return path.stat().st_size == 0
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep others from a file that SQLite cannot open, by the lock that it would take. Raises `FileInUse`."""
    with open(path, "r+b") as file:
        if fcntl is not None:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, SHARED_SIZE, SHARED_FIRST)
            except OSError as error:
                raise in_use(path) from error
        yield


def _skip_used_ids(copy: Path, old: sqlite3.Connection | None) -> None:
    """Have the next ids begin after all that may have been given since the backup: visitors keep those, and two rows
    of one number would be taken for one."""
    blocks, numbers = _given(old) if old is not None else ({}, {})
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


def _given(old: sqlite3.Connection) -> tuple[dict[str, int], dict[str, int]]:
    try:
        blocks = dict(old.execute("SELECT name, next_id FROM id_blocks").fetchall())
        return blocks, dict(old.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    except sqlite3.DatabaseError:
        return {}, {}


def _take_over(model: Path, copy: Path) -> None:
    """Give a file the owner and the mode of another one: a gateway may run as somebody else than an operator."""
    shutil.copymode(model, copy)
    stat = model.stat()
    with suppress(PermissionError):
        os.chown(copy, stat.st_uid, stat.st_gid)


def _free_name(target: Path, now: datetime) -> Path:
    """Return a name beside the target that tells what the file is and that none has yet."""
    stem = beside(target, f".before-restore-{now:%Y%m%dT%H%M%SZ}")
    names = (stem if number == 0 else beside(stem, f"-{number}") for number in range(1000))
    return next(name for name in names if not name.exists())
