"""Checkpoints of SQLite's write-ahead log in a background thread.

By default every so many commits run a checkpoint themselves, and all clicks wait for it. A commit still checkpoints the
small remainder once the log is long, because the log restarts only if no commit intervenes.

A checkpoint cannot pass the snapshot of a reader, so the log grows until the oldest reader ends. That is logged once,
and afterwards the log is truncated.
"""

import logging
import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from db.engine.sqlite.database_file import DatabaseFile
from db.engine.sqlite.overwrite_detection import Overwritten

logger = logging.getLogger(__name__)

# Frequent, small checkpoints: the disk finishes one before the next commit.
CHECKPOINT_SECONDS = 0.1
# Twice the size at which a commit runs a checkpoint itself.
LONG_BYTES = 256 * 1024 * 1024
MEBIBYTE = 1024 * 1024
# No dashboard query takes this long, so a reader that does is worth logging.
LONG_SECONDS = 2


class Checkpoints:
    """Runs checkpoints in a thread and on a connection of their own, so that no commit waits for one."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        with file.opening(self):
            self._connection = sqlite3.connect(
                file.uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False
            )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoint")
        self._under_way: Future[None] | None = None
        self._began_at = 0.0
        self._is_copied = False

    def start_if_due(self) -> None:
        """Start a checkpoint, unless one is running or the last one started a moment ago. Called after each commit."""
        now = time.monotonic()
        if now - self._began_at >= CHECKPOINT_SECONDS and (self._under_way is None or self._under_way.done()):
            self._began_at = now
            self._under_way = self._thread.submit(self._run)

    def _run(self) -> None:
        # The next checkpoint tries again, and SQLite's own would ignore errors too. Commits report an overwritten file.
        with suppress(sqlite3.Error, Overwritten):
            self._file.copy_log(self._copy)
            self._watch_length()

    def _copy(self) -> int:
        _, pages, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._is_copied = pages == copied
        return int(copied)

    def _empty(self) -> int:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return -1

    def _watch_length(self) -> None:
        """Truncate a long log if no reader needs it; otherwise log once what prevents it."""
        file, length = self._file, self._file.log_bytes()
        if length >= LONG_BYTES and self._is_copied:
            # Returns at once: there is nothing left to copy, and it does not wait for readers.
            file.copy_log(self._empty)
            length = file.log_bytes()
        if (length >= LONG_BYTES) == file.is_log_long:
            return
        file.is_log_long = not file.is_log_long
        if file.is_log_long:
            logger.warning(
                "SQLite's write-ahead log has grown to %d MiB and keeps growing: %s", length // MEBIBYTE, _holder(file)
            )
        else:
            logger.warning("SQLite's write-ahead log is back to its normal size")

    def close(self) -> None:
        """Close the connection once any running checkpoint has finished."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()
        self._file.closed(self)


def _holder(file: DatabaseFile) -> str:
    """Return what prevents the log from being truncated."""
    seconds = time.monotonic() - min(file.reading_since.values(), default=time.monotonic())
    if seconds < LONG_SECONDS:
        return "another process holds a transaction open, or the disk cannot keep up with the clicks"
    return f"a report or a list in this process has been reading for {seconds:.0f} seconds"
