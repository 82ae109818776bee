"""Copying a SQLite database into a single file, while gateways may be using it.

Backups and restores both begin with such a copy, check it, and rename it only once it is complete and on disk.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from db.engine.sqlite.file_access import beside, readable, tables_in
from db.errors import UnusableDatabase

LOG_SUFFIXES = ("-wal", "-shm", "-journal")
# A file that no process has open is read without locks, and again if a gateway opened it meanwhile.
TRIES = 3
# A few milliseconds of work between two reports of progress.
STEP_PAGES = 2_000

Progress = Callable[[int, int], None]
"""Called with the number of pages copied so far and the total."""


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Create an empty file in the target's folder, readable by its owner only, and remove it unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.absolute().parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        for file in (path, *(beside(path, suffix) for suffix in LOG_SUFFIXES)):
            file.unlink(missing_ok=True)


def copy_database(source: Path, copy: Path, progress: Progress) -> None:
    """Copy a database, including its write-ahead log, into a single file. Raises `UnusableDatabase`."""
    for _ in range(TRIES):
        with readable(source) as file:
            try:
                _copy_snapshot(file.uri, copy, progress)
            except sqlite3.Error as error:
                raise UnusableDatabase(f"{source} cannot be copied: {error}") from error
            if not file.moved():
                return
    raise UnusableDatabase(f"{source} was opened by a gateway during each of {TRIES} attempts to copy it: try again")


def _copy_snapshot(uri: str, copy: Path, progress: Progress) -> None:
    """Copy the snapshot of an open transaction. Without one, each commit by a gateway would restart the copy."""
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as source:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        with closing(sqlite3.connect(copy, isolation_level=None)) as target:
            source.backup(target, pages=STEP_PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
            # A single file can be read even in a read-only folder. A gateway switches back to WAL mode.
            target.execute("PRAGMA journal_mode = DELETE").fetchall()


def check_copy(copy: Path, original: Path) -> str:
    """Check that a copy is intact and a clickgate database; return its schema's revision. Raises `UnusableDatabase`."""
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


def fsync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
