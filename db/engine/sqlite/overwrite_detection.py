"""Whether what is in an open SQLite file was written by SQLite: `cp backup.db clicks.db` keeps the file's inode.

In WAL mode the database file changes only during checkpoints, which the log's index records before they write. A file
that was modified in between was modified by another program, or only touched: then the pages that the latest commits
changed are as they were. So every commit compares the time of the last change, which costs nothing, and the salts of
the log with those of its index (about three microseconds); a change that no checkpoint explains is looked into.

What remains: a copy that begins and ends within one checkpoint (a few milliseconds) is noticed by the latest pages
alone, and so is one within the resolution of the file system's clock (up to 10 milliseconds) after a checkpoint. A
checkpoint of another process hides a copy that falls between the same two commits of this one.
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
except ImportError:  # Windows lets nobody overwrite a file that is open
    fcntl = None  # type: ignore[assignment]

# Of what the latest commits changed, this much is compared. One click changes about twenty pages.
SAMPLE_PAGES = 24
MOST_FRAMES = 64
# Another process's checkpoint is soon over.
TRIES = 20
PAUSE_SECONDS = 0.05
# Where SQLite's connections hold their shared locks; see https://www.sqlite.org/src/file/src/os.h.
SHARED_FIRST, SHARED_SIZE = 0x40000002, 510
NO_PAGES: Mapping[int, int] = MappingProxyType({})


class Overwritten(OSError):
    """Another program wrote into the file or its log; the message says into which."""


class OverwriteDetector:
    """What an open file is known to hold. Its descriptors stay open as long as any of SQLite's in this process: closing
    one earlier would drop SQLite's locks."""

    def __init__(self, path: str, marks: Sequence[int]) -> None:
        """`marks` are pages that every commit of clicks changes."""
        self._path = path
        self._marks = marks
        self._file, self._log, self._index = (share(path + suffix) for suffix in ("", "-wal", "-shm"))
        self._page_bytes = int.from_bytes(os.pread(self._file, 2, 16), "big")
        self._page_bytes = 65536 if self._page_bytes == 1 else self._page_bytes or 4096
        self._lock = Lock()
        """Held while this process writes the file, or finds out what was written."""
        self._sample: dict[int, int] = {1: 0}
        self.complaint = ""
        """What is wrong; from then on, for good."""
        self._following = Lock()
        self._is_explained = False
        """Whether another process may have copied the log into the file since it was looked into."""
        self._seen = read_index(self._index)
        self._expected: dict[int, int] | None = None
        """The pages that this process is copying into the file; None if it copies none, or too many."""
        self._note(self._stat())

    def check(self, found: os.stat_result, *, may_wait: bool) -> None:
        """Return if nobody but SQLite wrote into the file, whose present state is given. One that may not wait leaves
        it to others to look into the file while a checkpoint is under way. Raises `Overwritten`."""
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
                self._look_into(TRIES if may_wait else 1)
            finally:
                self._lock.release()

    def copy(self, run: Callable[[], int]) -> None:
        """Have a connection of this process copy the log into the file; `run` does, and returns how many frames of the
        log are copied then. Raises `Overwritten`, before or after that, and what `run` does."""
        with self._lock:
            self._look_into()
            index = read_index(self._index)
            pages = self._to_be_copied(index)
            is_whole = index.frames - index.copied <= MOST_FRAMES
            self._expected = pages if is_whole else None
            try:
                copied = run()
            finally:
                self._expected = None
            state = self._stat()
            # The log can begin anew only once all of it is copied.
            is_same = index.copied < index.frames or read_index(self._index).salts == index.salts
            if is_same and copied == index.frames:
                wanted = {**self._sample, **pages} if is_whole else pages
                if any(self._page(page) != crc for page, crc in wanted.items()):
                    self._complain(f"the SQLite file {self._path} was overwritten by another program")
                self._note(state, [*pages], wanted)
            else:  # a reader still needs some of the former pages, or there was a commit meanwhile
                self._note(state)
                self._compare_with_log()

    def close(self) -> None:
        """Close the descriptors, after the last of SQLite's."""
        for descriptor in (self._file, self._log, self._index):
            give_back(descriptor)

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file)
        return found.st_mtime_ns, found.st_size

    def _follow(self, index: WalIndex) -> None:
        with self._following:
            self._is_explained = self._is_explained or not self._seen.leaves_file_alone(index)
            self._seen = index

    def _look_into(self, tries: int = TRIES) -> None:
        """Find out whether a change is SQLite's."""
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
        """Return whether the file, while this process copies the log, has anything but former and latest pages."""
        sample, expected = self._sample, self._expected
        if expected is None:
            return False
        return size < self._state[1] or any(
            self._page(page) not in (crc, expected.get(page)) for page, crc in sample.items()
        )

    def _to_be_copied(self, index: WalIndex) -> dict[int, int]:
        """Return the latest pages in the log that are not in the file yet, with what they are to be."""
        pages: dict[int, int] = {}
        few = index.frames - index.copied <= MOST_FRAMES
        first = index.copied if few else index.frames - SAMPLE_PAGES
        for number in range(index.frames, first, -1):
            frame = read_frame(self._log, number, self._page_bytes)
            if frame.page not in pages:
                pages[frame.page] = zlib.crc32(frame.content)
        return pages

    def _note(self, state: tuple[int, int], latest: Sequence[int] = (), known: Mapping[int, int] = NO_PAGES) -> None:
        """Take what is there for SQLite's, and remember the latest pages and some of the former; what `known` ones hold
        was read just now."""
        self._state = state
        with self._following:
            self._seen = read_index(self._index)
            self._is_explained = self._seen.is_copying
        pages = islice(dict.fromkeys((1, *self._marks, *latest, *self._sample)), SAMPLE_PAGES)
        self._sample = {page: known[page] if page in known else self._page(page) for page in pages}

    def _compare_with_log(self) -> None:
        """Check that the file has the latest pages that were copied into it."""
        index = read_index(self._index)
        differing = self._differing(index)
        # If another checkpoint began meanwhile, the next one of ours will tell.
        if differing and index.of_checkpoints == read_index(self._index).of_checkpoints:
            self._complain(f"{differing} was overwritten by another program")

    def _differing(self, index: WalIndex) -> str:
        """Return which file is wrong; nothing where the database file has what the log has."""
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
        """Raise `Overwritten` unless the log turns out to have begun anew just now."""
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
        self._keep_from_closing()
        raise Overwritten(complaint)

    def unlock(self) -> None:
        """Let others lock the file, once SQLite has closed it."""
        self._set_lock("F_UNLCK")

    def _keep_from_closing(self) -> None:
        """Keep SQLite from copying the log into the file as its last connection is closed: it needs an exclusive lock
        for that, and this descriptor's shared one is none of its own."""
        self._set_lock("F_RDLCK")

    def _set_lock(self, kind: str) -> None:
        if fcntl is not None and hasattr(fcntl, "F_OFD_SETLK"):
            lock = struct.pack("hhqqi4x", getattr(fcntl, kind), os.SEEK_SET, SHARED_FIRST, SHARED_SIZE, 0)
            with suppress(OSError):
                fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, lock)
