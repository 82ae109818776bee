"""The SQLite file at a path, with the check that it is still the one that this process has open.

A file that is renamed, deleted or replaced while it is open keeps accepting commits, which are lost. Worse, a second
file opened at the same path shares the first one's `-shm` and truncates it while it is memory-mapped, which crashes the
process. So no connection is opened while others have a different file open, and each commit is followed by a check of
the path: three system calls, about five microseconds per batch.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from urllib.parse import quote

from db.engine.sqlite.overwrite_detection import OverwriteDetector, Overwritten
from db.engine.sqlite.shared_descriptors import Identity

# How often readers check. Until then they read the old file.
CHECK_SECONDS = 0.1
# The write-ahead log and its index belong to the file: if either is deleted, commits are lost when this process ends.
SUFFIXES = ("", "-wal", "-shm")


class OtherFile(OSError):
    """The file at the path is not the one that is open; the message says what happened."""


class Truncated(OtherFile):
    """The file at the path is the one that is open, but it was truncated."""


class DatabaseFile:
    """A database file's path, and the connections of this process that have it open."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.generation = 0
        """How often a file was opened while none was open. Whatever was read before the latest may come from another
        file."""
        self.revision: str | None = None
        """The schema's revision in the first file, which any later file must have too."""
        self.marks: Sequence[int] = ()
        """The pages that every commit of clicks changes, as found by the latest connection."""
        self.is_log_long = False
        self.reading_since: dict[object, float] = {}
        """The start of each pooled connection's transaction, by the monotonic clock."""
        self._open: set[object] = set()
        self._paths = (path, f"{path}-wal", f"{path}-shm")
        self._checked_at = 0.0
        self._watch(())
        self._size = 0
        self._former_log: Identity | None = None
        self._detector: OverwriteDetector | None = None
        self._overwritten: tuple[Identity, OverwriteDetector] | None = None
        """A file that was overwritten while it was open, and has been closed. Its descriptor keeps the inode from being
        reused."""
        self._opening = 0
        self._lock = Lock()

    @property
    def uri(self) -> str:
        """A URI for the path by which SQLite opens the file but does not create one."""
        return f"file:{quote(self.path)}?mode=rw"

    def log_bytes(self) -> int:
        """Return the size of the write-ahead log; 0 if there is none."""
        with suppress(OSError):
            return os.path.getsize(f"{self.path}-wal")
        return 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether the file or the log at the path is another one than is open, while the open one is intact."""
        try:
            self.check()
        except (Truncated, Overwritten):
            return False
        except OtherFile:
            return self._known[0] != _identity(self.path) or self._known[1] != _identity(f"{self.path}-wal")
        return False

    def check(self, *, may_wait: bool = False) -> None:
        """Check that the path still leads to the open file and that only SQLite wrote to it. Raises `OtherFile`,
        `Overwritten`."""
        if self._known:
            found = self._check_one(*self._main)
            if self._detector is not None and found is not None:
                self._detector.check(found, may_wait=may_wait)
            if found is not None and found.st_size != self._size:
                self._check_size(found.st_size)
            self._check_one(*self._log)
            self._check_one(*self._index)
        self._checked_at = monotonic()

    def check_now_and_then(self) -> None:
        """Do the same as `check`, at most once in `CHECK_SECONDS`. Raises `OtherFile`, `Overwritten`."""
        if monotonic() - self._checked_at >= CHECK_SECONDS:
            self.check()

    def copy_log(self, run: Callable[[], int]) -> None:
        """Run a checkpoint, see `OverwriteDetector.copy`. Raises `Overwritten` and whatever `run` raises."""
        if self._detector is None:
            run()
        else:
            self._detector.copy(run)

    def _check_one(self, path: str, known: Identity | None) -> os.stat_result | None:
        if known is None:
            return None
        try:
            found = os.stat(path)
        except OSError as error:
            raise OtherFile(f"the SQLite file {path} is gone: {error.strerror}") from error
        if found.st_ino != known[1] or found.st_dev != known[0]:
            raise OtherFile(f"the SQLite file {path} was replaced by another file")
        return found

    def check_before_opening(self) -> None:
        """Check that a connection may be opened now. Raises `OtherFile`, `Overwritten`."""
        self.check()
        if self._open or not self.generation:
            return
        if not os.path.exists(self.path):
            raise OtherFile(f"the SQLite file {self.path} is gone")
        if self._overwritten is not None:
            self._check_replaced(*self._overwritten)
        log = f"{self.path}-wal"
        if self._former_log is not None and _identity(log) == self._former_log and os.path.getsize(log):
            # SQLite would apply it to the new file and corrupt that.
            raise OtherFile(f"{log} belongs to the SQLite file that was at this path before: delete it")

    def _check_replaced(self, identity: Identity, detector: OverwriteDetector) -> None:
        if _identity(self.path) == identity:
            raise Overwritten(detector.complaint)
        self._overwritten = None
        detector.close()

    @contextmanager
    def opening(self, connection: object) -> Iterator[None]:
        """Open a connection and read from it in the block. If that succeeds, the connection counts as open."""
        with self._lock:
            self._opening += 1
        try:
            yield
            with self._lock:
                self._add(connection)
        finally:
            with self._lock:
                self._opening -= 1
                self._let_go()

    def closed(self, connection: object) -> None:
        """Note that a connection was closed. After the last one, another file may be opened."""
        with self._lock:
            self._open.discard(connection)
            self._let_go()

    def _add(self, connection: object) -> None:
        if not self._open and not self._known:
            self._watch(tuple(_identity(self.path + suffix) for suffix in SUFFIXES))
            self._size = os.path.getsize(self.path)
            self._former_log = None
            if all(self._known):  # some file systems do not support a write-ahead log
                self._detector = OverwriteDetector(self.path, self.marks)
            self.generation += 1
        self._open.add(connection)

    def _let_go(self) -> None:
        """Stop watching the file once nothing in this process has it open."""
        if not self._known or self._open or self._opening:
            return
        detector, self._detector = self._detector, None
        (identity, log, _), known = self._known, self._known
        if detector is not None and detector.complaint and identity is not None:
            self._overwritten = identity, detector
            detector.unlock()
            self._set_log_aside(known)
        else:
            if detector is not None:
                detector.close()
            if _identity(self.path) != identity:
                self._former_log = log
        self._watch(())

    def _set_log_aside(self, known: tuple[Identity | None, ...]) -> None:
        """Rename the log of an overwritten file: SQLite would apply it to the new content."""
        with suppress(OSError):
            for suffix, identity in zip(SUFFIXES[1:], known[1:], strict=True):
                path = f"{self.path}{suffix}"
                if identity is not None and _identity(path) == identity:
                    os.rename(path, f"{self.path}.before-overwrite-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{suffix}")

    def _watch(self, known: tuple[Identity | None, ...]) -> None:
        self._known = known
        self._main, self._log, self._index = (
            (path, identity) for path, identity in zip(self._paths, known or (None, None, None), strict=True)
        )

    def _check_size(self, size: int) -> None:
        """Distinguish a file that VACUUM shrank from one that was truncated: it has all the pages that its header
        says."""
        if size < self._size:
            try:
                # Ignores the write-ahead log and all locks. Opened by SQLite, since closing a file releases all its
                # locks.
                with closing(sqlite3.connect(f"file:{quote(self.path)}?mode=ro&immutable=1", uri=True)) as connection:
                    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except sqlite3.Error as error:
                raise Truncated(f"the SQLite file {self.path} was truncated: {error}") from error
            if not size:
                raise Truncated(f"the SQLite file {self.path} was emptied")
        self._size = size


def _identity(path: str) -> Identity | None:
    with suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None
