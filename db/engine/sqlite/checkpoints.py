"""SQLite's write-ahead log copied back into the file, beside the commits that write it.

Otherwise a commit has to do that every so often, and all clicks wait meanwhile. It still copies the little that is left
when the log has become long, for the log begins anew only where no commit comes in between.

What a reader may still want is not copied over. A reader that keeps its snapshot lets the log grow until it ends, which
is told once; then the log is emptied.
"""

import logging
import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from db.engine.sqlite.database_file import DatabaseFile, OtherFile

logger = logging.getLogger(__name__)

# Small ones, for the disk writes them before the next commit.
CHECKPOINT_SECONDS = 0.1
# Twice what a commit lets the log grow to before it copies it back itself.
LONG_BYTES = 256 * 1024 * 1024
MEBIBYTE = 1024 * 1024
# No query of a dashboard takes this long; a reader that does is worth to be named.
LONG_SECONDS = 2


class Checkpoints:
    """Copies the log back into the file, in a thread and on a connection of its own: no commit waits for it."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._connection = sqlite3.connect(file.uri, uri=True, timeout=0, isolation_level=None, check_same_thread=False)
        file.opened(self)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoint")
        self._under_way: Future[None] | None = None
        self._began_at = 0.0

    def start_if_due(self) -> None:
        """Begin another one after a commit, if the last one is over and began some time ago."""
        now = time.monotonic()
        if now - self._began_at >= CHECKPOINT_SECONDS and (self._under_way is None or self._under_way.done()):
            self._began_at = now
            self._under_way = self._thread.submit(self._run)

    def _run(self) -> None:
        # The next one will try again, and commits report a file that is not ours any more.
        with suppress(sqlite3.Error, OtherFile):
            # A file that was cut off would be as long as before after this, with zeros in between.
            self._file.check()
            _, pages, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._watch_length(is_copied=pages == copied)

    def _watch_length(self, *, is_copied: bool) -> None:
        """Empty a long log if nobody reads from it, or else tell, once, what keeps it."""
        file, length = self._file, self._file.log_bytes()
        if length >= LONG_BYTES and is_copied:
            # It waits for nobody, and has nothing to copy.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
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
        """Give the connection up once nothing is under way on it."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()
        self._file.closed(self)


def _holder(file: DatabaseFile) -> str:
    """Return what keeps a log from being emptied."""
    seconds = time.monotonic() - min(file.reading_since.values(), default=time.monotonic())
    if seconds < LONG_SECONDS:
        return "another process holds a transaction open, or the disk cannot keep up with the clicks"
    return f"a report or a list in this process has been reading for {seconds:.0f} seconds"
