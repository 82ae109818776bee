"""Checks that the SQLite file at a path is still the one that this process has open.

If the file is renamed, removed or replaced, an open connection goes on committing to a file that nobody will find.
Worse, a second file opened at the same path shares the `-shm` of the first and truncates it while it is mapped, which
kills the process. So no connection is opened while others have another file open, and the path is checked after every
commit: three system calls, about five microseconds per batch. A connection counts as open until it is closed.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from threading import Lock
from time import monotonic
from typing import TypeAlias
from urllib.parse import quote

# How late readers notice; until then they read the former file.
CHECK_SECONDS = 0.1
# The write-ahead log and its index are part of the database: if either is gone, commits are lost with this process.
SUFFIXES = ("", "-wal", "-shm")

Identity: TypeAlias = tuple[int, int]
"""A file's device and inode."""


class OtherFile(OSError):
    """The file at the path is not the one that is open. The message says what happened."""


class Truncated(OtherFile):
    """The file at the path is the one that is open, but it was cut off."""


class DatabaseFile:
    """A path, and the file that connections of this process have open there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.generation = 0
        """How many times a file was opened while none was open. When this changes, cached contents may be stale."""
        self.revision: str | None = None
        """The schema revision of the first file; later files must have the same."""
        self.is_log_long = False
        self.reading_since: dict[object, float] = {}
        """When each pooled connection's transaction began, by the monotonic clock."""
        self.registering = Lock()
        """Held while a connection becomes one of those that are open, and while it is closed."""
        self._open: set[sqlite3.Connection] = set()
        self._first_opening = Lock()
        self._paths = (path, f"{path}-wal", f"{path}-shm")
        self._checked_at = 0.0
        self._watch(())
        self._size = 0
        self._former_log: Identity | None = None

    @property
    def uri(self) -> str:
        """The path as a URI with which SQLite opens the file but never creates it."""
        return f"file:{quote(self.path)}?mode=rw"

    def log_bytes(self) -> int:
        """Return the size of the write-ahead log, or 0 if there is none."""
        with suppress(OSError):
            return os.path.getsize(f"{self.path}-wal")
        return 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether there is another file or another log at the path, and the open one is complete."""
        try:
            self.check()
        except Truncated:
            return False
        except OtherFile:
            return self._known[0] != _identity(self.path) or self._known[1] != _identity(f"{self.path}-wal")
        return False

    def check(self) -> None:
        """Check that the path still leads to what is open, if anything is. Raises `OtherFile`."""
        if self._known:
            self._check_one(*self._main)
            self._check_one(*self._log)
            self._check_one(*self._index)
        self._checked_at = monotonic()

    def check_now_and_then(self) -> None:
        """Check at most once in `CHECK_SECONDS`. Raises `OtherFile`."""
        if monotonic() - self._checked_at >= CHECK_SECONDS:
            self.check()

    def _check_one(self, path: str, known: Identity | None) -> None:
        if known is None:
            return
        try:
            found = os.stat(path)
        except OSError as error:
            raise OtherFile(f"the SQLite file {path} is gone: {error.strerror}") from error
        if found.st_ino != known[1] or found.st_dev != known[0]:
            raise OtherFile(f"the SQLite file {path} is not the one that was opened")
        if found.st_size != self._size and path is self.path:
            self._check_size(found.st_size)

    def _check_before_opening(self) -> None:
        """Check that a connection may be opened. Raises `OtherFile`."""
        self.check()
        if self._open or not self.generation:
            return
        if not os.path.exists(self.path):
            raise OtherFile(f"the SQLite file {self.path} is gone")
        log = f"{self.path}-wal"
        if self._former_log is not None and _identity(log) == self._former_log and os.path.getsize(log):
            # SQLite would copy it into the new file and corrupt it.
            raise OtherFile(f"{log} belongs to the SQLite file that was there before: remove it")

    def open(self, set_up: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
        """Open a connection and set it up with a function that reads from the file. Raises `OtherFile`, also if the
        file was replaced meanwhile; then nothing is open."""
        # Of two that open the first one at a time, each might open another file.
        with nullcontext() if self._open else self._first_opening:
            with self.registering:
                self._check_before_opening()
                before = _identity(self.path)
            target = self.uri if self.generation else self.path
            connection = sqlite3.connect(
                target,
                uri=target != self.path,
                isolation_level=None,
                check_same_thread=False,
                factory=FileConnection,
            )
            connection.file = self
            try:
                set_up(connection)
                self._opened(connection, before)
            except BaseException:
                connection.close()
                raise
        return connection

    def _opened(self, connection: sqlite3.Connection, before: Identity | None) -> None:
        """Register a connection, if the file at the path is the one that was there before it was opened."""
        with self.registering:
            found = tuple(_identity(path) for path in self._paths)
            if None in found or before not in (None, found[0]):
                raise OtherFile(f"the SQLite file {self.path} was replaced while it was being opened")
            if self._open:
                self.check()
            else:
                self._size = os.path.getsize(self.path)
                self._watch(found)
                self._former_log = None
                self.generation += 1
            self._open.add(connection)

    def closed(self, connection: sqlite3.Connection) -> None:
        """Unregister a connection. After the last one, any file may be opened."""
        self._open.discard(connection)
        if self._known and not self._open:
            if _identity(self.path) != self._known[0]:
                self._former_log = self._known[1]
            self._watch(())

    def _watch(self, known: tuple[Identity | None, ...]) -> None:
        self._known = known
        self._main, self._log, self._index = (
            (path, identity) for path, identity in zip(self._paths, known or (None, None, None), strict=True)
        )

    def _check_size(self, size: int) -> None:
        """Tell a truncated file from one that VACUUM made smaller, which has all pages that its header counts."""
        if size < self._size:
            try:
                # Without log and locks. SQLite must open it: closing any other handle would drop SQLite's locks.
                with closing(sqlite3.connect(f"file:{quote(self.path)}?mode=ro&immutable=1", uri=True)) as connection:
                    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.Error as error:
                raise Truncated(f"the SQLite file {self.path} was cut off: {error}") from error
            if not size:
                raise Truncated(f"the SQLite file {self.path} was emptied")
        self._size = size


class FileConnection(sqlite3.Connection):
    """A connection that a `DatabaseFile` knows of until it is closed. The last one removes the log as it is closed, so
    that nobody may look for that in between."""

    file: DatabaseFile

    def close(self) -> None:
        with self.file.registering:
            super().close()
            self.file.closed(self)


def _identity(path: str) -> Identity | None:
    with suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None
