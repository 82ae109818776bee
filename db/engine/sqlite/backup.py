"""Copies of a SQLite database: taken beside running gateways, and put back in its place."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from db.engine.sqlite.file_access import beside, check_is_database, in_use, opened_exclusively, readable, tables_in
from db.errors import UnusableDatabase
from db.migrations.revisions import REVISIONS

try:
    import fcntl
except ImportError:  # Windows locks files in its own way, and lets nobody replace one that is open
    fcntl = None  # type: ignore[assignment]

LOGS = ("-wal", "-shm", "-journal")
# A file that nobody had open is read without locks, and again where a gateway started meanwhile.
TRIES = 3
# A few milliseconds of work, after which the progress is told.
STEP_PAGES = 2_000
# Where SQLite's connections hold their shared locks; see https://www.sqlite.org/src/file/src/os.h.
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
# Where the file that is replaced cannot tell which ids were given after the backup: more than gateways use up in days.
SKIPPED_IDS = 1_000_000_000

Progress = Callable[[int, int], None]
"""Is told how many pages of how many are copied."""


def back_up(source: Path, target: Path, *, force: bool, progress: Progress) -> None:
    """Write one snapshot of a database into a single file, which appears whole and on the disk or not at all.

    Gateways may go on meanwhile. Raises `UnusableDatabase` where the target exists and `force` does not allow to
    replace it, where it is in use, and where the copy does not pass SQLite's integrity check; `OSError`.
    """
    _check_target(source, target, force=force)
    with _new_file(target) as copy:
        _copy(source, copy, progress)
        _check(copy, source)
        shutil.copymode(source, copy)
        _sync(copy)
        if force:
            copy.replace(target)
        else:
            _rename_to_new(copy, target)
    _sync(target.absolute().parent)


def restore(backup: Path, target: Path, *, now: datetime, progress: Progress) -> Path | None:
    """Put a backup in the place of a database that nobody has open; return where the old one is kept, if there was one.

    The backup is checked and copied first. A write-ahead log that the old database left behind goes with it, so that
    it cannot spoil the new one. Ids that were given since the backup are not given again. Raises `UnusableDatabase`,
    `FileInUse`, `OSError`; then the old database is where it was.
    """
    if target.exists() and backup.exists() and target.samefile(backup):
        raise UnusableDatabase(f"{backup} is the database itself")
    _check_unused(target)  # it would be a pity to find out after the copy
    with _new_file(target) as copy:
        _copy(backup, copy, progress)
        if _check(copy, backup) not in REVISIONS:
            raise UnusableDatabase(f"{backup} is of a newer clickgate than this one")
        with _old_database(target) as (old, keep):
            _skip_used_ids(copy, old)
            _take_over(target if target.exists() else backup, copy)
            _sync(copy)
            aside = _free_name(target, now) if target.exists() else None
            if aside is not None:
                keep(aside)
            copy.replace(target)
            for suffix in LOGS:
                beside(target, suffix).unlink(missing_ok=True)
            _sync(target.absolute().parent)
    return aside


def _check(copy: Path, original: Path) -> str:
    """Return the schema's version of a copy that is whole and clickgate's. Raises `UnusableDatabase`."""
    with closing(sqlite3.connect(copy)) as connection:
        try:
            ((verdict,), *_) = connection.execute("PRAGMA integrity_check(1)").fetchall()
        except sqlite3.DatabaseError as error:
            verdict = str(error)
    if verdict != "ok":
        raise UnusableDatabase(f"{original} is damaged: {' '.join(verdict.split())}")
    tables, revision = tables_in(copy)
    if revision is None or "id_blocks" not in tables:
        raise UnusableDatabase(f"{original} is not a clickgate database")
    return revision


def _rename_to_new(copy: Path, target: Path) -> None:
    """Rename a file to a name that must not be taken, in one step where the file system can."""
    try:
        os.link(copy, target)
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError:
        copy.rename(target)


def _take_over(model: Path, copy: Path) -> None:
    """Give a file the owner and the mode of another one: a gateway may run as somebody else than an operator."""
    shutil.copymode(model, copy)
    stat = model.stat()
    with suppress(PermissionError):
        os.chown(copy, stat.st_uid, stat.st_gid)


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


@contextmanager
def _new_file(target: Path) -> Iterator[Path]:
    """Give an empty file in the target's folder, for the owner alone, which is removed unless it is renamed."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.absolute().parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        for file in (path, *(beside(path, suffix) for suffix in LOGS)):
            file.unlink(missing_ok=True)


def _copy(source: Path, copy: Path, progress: Progress) -> None:
    """Copy a database, its write-ahead log included, into a single file. Raises `UnusableDatabase`."""
    for _ in range(TRIES):
        with readable(source) as file:
            try:
                _copy_snapshot(file.uri, copy, progress)
            except sqlite3.Error as error:
                raise UnusableDatabase(f"{source} cannot be copied: {error}") from error
            if not file.moved():
                return
    raise UnusableDatabase(f"{source} was opened by a gateway again and again while it was copied: try once more")


def _copy_snapshot(uri: str, copy: Path, progress: Progress) -> None:
    """Copy what an open transaction sees: without one, every commit of a gateway would have the copy begin anew."""
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        with closing(sqlite3.connect(copy, isolation_level=None)) as target:
            source.backup(target, pages=STEP_PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
            # One file, which a folder that cannot be written does for, too. A gateway turns the log on again.
            target.execute("PRAGMA journal_mode = DELETE").fetchall()


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
        for suffix in LOGS:
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


def _free_name(target: Path, now: datetime) -> Path:
    """Return a name beside the target that tells what the file is and that none has yet."""
    stem = beside(target, f".before-restore-{now:%Y%m%dT%H%M%SZ}")
    names = (stem if number == 0 else beside(stem, f"-{number}") for number in range(1000))
    return next(name for name in names if not name.exists())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
