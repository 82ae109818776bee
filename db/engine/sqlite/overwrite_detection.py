"""Detects that another program overwrote an open SQLite file in place, as `cp backup.db clicks.db` does.

Such a copy keeps the file's inode, so comparing the path's inode with that of the open file does not reveal it. In WAL
mode, however, the database file changes only during checkpoints, which are recorded in the log's index before they
write. A modification at any other time was made by another program, unless the file was only touched: then the pages
that the latest commits changed are still the same. So each commit compares the file's modification time, which costs
nothing, and the log's salts with those in its index (about three microseconds). A change that no checkpoint explains is
investigated.

Limits: a copy within a single checkpoint (a few milliseconds), or so soon after one that the modification time does not
change (up to 10 milliseconds), is detected by the latest pages only. A checkpoint by another process hides a copy that
happens between the same two commits of this process.
"""

import os
import struct
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from threading import Lock
from types import MappingProxyType

from db.engine.sqlite.shared_descriptors import give_back, share
from db.engine.sqlite.wal_index import WalIndex, log_salts, read_frame, read_index

try:
    import fcntl
except ImportError:  # Windows does not allow overwriting an open file
    fcntl = None  # type: ignore[assignment]

# How many of the pages that the latest commits changed are compared. One click changes about twenty.
SAMPLE_PAGES = 24
MOST_FRAMES = 64
# How long to wait for another process's checkpoint to end.
TRIES = 20
PAUSE_SECONDS = 0.05
# Where SQLite's connections hold their shared locks; see https://www.sqlite.org/src/file/src/os.h.
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
NO_PAGES: Mapping[int, int] = MappingProxyType({})


class Overwritten(OSError):
    """Another program wrote to the database file or its log; the message says which."""


class OverwriteDetector:
    """Compares an open file with what SQLite is known to have written. Its descriptors stay open as long as any SQLite
    connection of this process does, since closing one earlier would release SQLite's locks."""

    def __init__(self, path: str, marks: Sequence[int]) -> None:
        """`marks` are the numbers of pages that every commit of clicks changes."""
        self._path = path
        self._marks = marks
        self._file, self._log, self._index = (share(path + suffix) for suffix in ("", "-wal", "-shm"))
        self._page_bytes = int.from_bytes(os.pread(self._file, 2, 16), "big")
        self._page_bytes = 65536 if self._page_bytes == 1 else self._page_bytes or 4096
        self._lock = Lock()
        """Held while this process writes to the file or investigates a change."""
        self._sample: dict[int, int] = {1: 0}
        self.complaint = ""
        """What was found to be wrong. Never cleared."""
        self._following = Lock()
        self._is_explained = False
        """Whether another process may have run a checkpoint since the last investigation."""
        self._seen = read_index(self._index)
        self._expected: dict[int, int] | None = None
        """Checksums of the pages that this process is copying into the file; None if there are none or too many."""
        self._note(self._stat())

    def check(self, found: os.stat_result, *, may_wait: bool) -> None:
        """Check that only SQLite wrote to the file, given its current `stat` result. Without `may_wait`, a change
        during a running checkpoint is left to a later check. Raises `Overwritten`."""
        if self.complaint:
            raise Overwritten(self.complaint)
        index = read_index(self._index)
        if log_salts(self._log) != index.salts and index.frames:
            self._check_log()
        if index != self._seen:
            self._follow(index)
        if (found.st_mtime_ns, found.st_size) != self._state and self._lock.acquire(
            blocking=may_wait and self._is_suspicious(found.st_size)
        ):
            try:
                self._investigate(TRIES if may_wait else 1)
            finally:
                self._lock.release()

    def copy(self, run: Callable[[], int]) -> None:
        """Call `run`, which runs a checkpoint on a connection of this process and returns how many of the log's frames
        have been copied; check the file before and after. Raises `Overwritten` and whatever `run` raises."""
        with self._lock:
            self._investigate()
            index = read_index(self._index)
            pages = self._to_be_copied(index)
            is_whole = index.frames - index.copied <= MOST_FRAMES
            self._expected = pages if is_whole else None
            try:
                copied = run()
            finally:
                self._expected = None
            state = self._stat()
            # The log restarts only after all of it has been copied.
            is_same = index.copied < index.frames or read_index(self._index).salts == index.salts
            if is_same and copied == index.frames:
                wanted = {**self._sample, **pages} if is_whole else pages
                if any(self._page(page) != crc for page, crc in wanted.items()):
                    self._complain(f"the SQLite file {self._path} was overwritten by another program")
                self._note(state, [*pages], wanted)
            else:  # a reader still needs older pages, or another commit happened meanwhile
                self._note(state)
                self._compare_with_log()

    def close(self) -> None:
        """Close the descriptors. Call this after the last SQLite connection was closed."""
        for descriptor in (self._file, self._log, self._index):
            give_back(descriptor)

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file)
        return found.st_mtime_ns, found.st_size

    def _follow(self, index: WalIndex) -> None:
        with self._following:
            self._is_explained = self._is_explained or not self._seen.leaves_file_alone(index)
            self._seen = index

    def _investigate(self, tries: int = TRIES) -> None:
        """Determine whether SQLite made a change to the file."""
        for left in reversed(range(tries)):
            if self._stat() == self._state:
                return
            index = read_index(self._index)
            if all(self._page(page) == crc for page, crc in self._sample.items()):
                break
            if not index.is_copying and index.of_checkpoints == read_index(self._index).of_checkpoints:
                if not self._is_explained and self._seen.leaves_file_alone(index):
                    self._complain(f"the SQLite file {self._path} was overwritten by another program")
                break
            if not left:
                return
            time.sleep(PAUSE_SECONDS)
        self._note(self._stat())
        self._compare_with_log()

    def _is_suspicious(self, size: int) -> bool:
        """Return whether the file, during a checkpoint of this process, has pages that are neither the old nor the new
        ones."""
        sample, expected = self._sample, self._expected
        if expected is None:
            return False
        return size < self._state[1] or any(
            self._page(page) not in (crc, expected.get(page)) for page, crc in sample.items()
        )

    def _to_be_copied(self, index: WalIndex) -> dict[int, int]:
        """Return the checksums, by page number, of the latest pages in the log that are not in the file yet."""
        pages: dict[int, int] = {}
        few = index.frames - index.copied <= MOST_FRAMES
        first = index.copied if few else index.frames - SAMPLE_PAGES
        for number in range(index.frames, first, -1):
            frame = read_frame(self._log, number, self._page_bytes)
            if frame.page not in pages:
                pages[frame.page] = zlib.crc32(frame.content)
        return pages

    def _note(self, state: tuple[int, int], latest: Sequence[int] = (), known: Mapping[int, int] = NO_PAGES) -> None:
        """Accept the file's state as written by SQLite, and remember checksums of the latest pages and some older ones.
        `known` has checksums that were computed just now."""
        self._state = state
        with self._following:
            self._seen = read_index(self._index)
            self._is_explained = self._seen.is_copying
        pages = islice(dict.fromkeys((1, *self._marks, *latest, *self._sample)), SAMPLE_PAGES)
        self._sample = {page: known[page] if page in known else self._page(page) for page in pages}

    def _compare_with_log(self) -> None:
        """Check that the file contains the pages that were copied into it last."""
        index = read_index(self._index)
        differing = self._differing(index)
        # If another checkpoint began meanwhile, this process's next one compares again.
        if differing and index.of_checkpoints == read_index(self._index).of_checkpoints:
            self._complain(f"{differing} was overwritten by another program")

    def _differing(self, index: WalIndex) -> str:
        """Return which file was overwritten; an empty string if the database file agrees with the log."""
        pages: set[int] = set()
        for number in range(index.copied, max(0, index.copied - SAMPLE_PAGES), -1):
            frame = read_frame(self._log, number, self._page_bytes)
            if frame.salts != index.salts:
                return f"the write-ahead log {self._path}-wal"
            if frame.page not in pages and not index.is_copying and zlib.crc32(frame.content) != self._page(frame.page):
                return f"the SQLite file {self._path}"
            pages.add(frame.page)
        return ""

    def _check_log(self) -> None:
        """Raise `Overwritten`, unless the log turns out to be restarting at this moment."""
        for _ in range(TRIES):
            index = read_index(self._index)
            if log_salts(self._log) == index.salts or not index.frames:
                return
            time.sleep(PAUSE_SECONDS / TRIES)
        self._complain(f"the write-ahead log {self._path}-wal was overwritten by another program")

    def _page(self, number: int) -> int:
        return zlib.crc32(os.pread(self._file, self._page_bytes, (number - 1) * self._page_bytes))

    def _complain(self, complaint: str) -> None:
        self.complaint = complaint
        self._block_checkpoint_on_close()
        raise Overwritten(complaint)

    def unlock(self) -> None:
        """Release the lock on the file. Call this after SQLite has closed it."""
        self._set_lock("F_UNLCK")

    def _block_checkpoint_on_close(self) -> None:
        """Prevent SQLite from running a checkpoint when its last connection closes. That needs an exclusive lock, which
        the shared lock of this descriptor blocks."""
        self._set_lock("F_RDLCK")

    def _set_lock(self, kind: str) -> None:
        if fcntl is not None and hasattr(fcntl, "F_OFD_SETLK"):
            lock = struct.pack("hhqqi4x", getattr(fcntl, kind), os.SEEK_SET, SHARED_FIRST, SHARED_SIZE, 0)
            with suppress(OSError):
                fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, lock)
