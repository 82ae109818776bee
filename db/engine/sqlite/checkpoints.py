"""Checkpoints SQLite's write-ahead log in a thread of its own, beside the commits.

Otherwise every so often a commit has to copy the log back into the file, and all clicks wait meanwhile. Commits still
restart a long log, because that needs a moment without other commits, but by then little is left to copy.

Pages that a reader may still need are not overwritten. A reader that keeps its snapshot makes the log grow until it
ends; this is logged once, and then the log is emptied.
"""

import asyncio
import logging
import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from db.engine.sqlite.database_file import DatabaseFile, OtherFile

logger = logging.getLogger(__name__)

# Frequent and therefore small: the disk writes each one before the next commit.
CHECKPOINT_SECONDS = 0.1
# Twice the length at which a commit would copy the log itself.
LONG_BYTES = 256 * 1024 * 1024
MEBIBYTE = 1024 * 1024
# No dashboard query takes this long, so a reader that does is named in the log.
LONG_SECONDS = 2


class Checkpoints:
    """Copies the log into the file, with a thread and a connection of its own, so that no commit waits for it."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._connection = file.open(_set_up)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoint")
        self._under_way: Future[None] | None = None
        self._began_at = 0.0

    def start_if_due(self) -> None:
        """Start a checkpoint, unless the last one is still running or started less than `CHECKPOINT_SECONDS` ago."""
        now = time.monotonic()
        if now - self._began_at >= CHECKPOINT_SECONDS and (self._under_way is None or self._under_way.done()):
            self._began_at = now
            self._under_way = self._thread.submit(self._run)

    def _run(self) -> None:
        # The next checkpoint tries again, and commits report a file that was replaced.
        with suppress(sqlite3.Error, OtherFile):
            # A checkpoint would extend a truncated file to its former length, with zeros in between, and hide the loss.
            self._file.check()
            _, pages, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._watch_length(is_copied=pages == copied)

    def _watch_length(self, *, is_copied: bool) -> None:
        """Empty a long log if nothing reads from it; otherwise log once what keeps it."""
        file, length = self._file, self._file.log_bytes()
        if length >= LONG_BYTES and is_copied:
            # With a timeout of 0 and nothing left to copy, this does not wait.
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

    async def close(self) -> None:
        """Close the connection once no checkpoint is running. It may be the last one, with which the log goes: who
        opened another one before it is closed would miss the log."""
        closing = self._thread.submit(self._close)
        self._thread.shutdown(wait=False)
        await asyncio.shield(asyncio.wrap_future(closing))

    def _close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()


def _set_up(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 0")


def _holder(file: DatabaseFile) -> str:
    """Return what keeps a log from being emptied."""
    # Copied at once, because the event loop's thread changes it.
    seconds = time.monotonic() - min([*file.reading_since.values()], default=time.monotonic())
    if seconds < LONG_SECONDS:
        return "another process holds a transaction open, or the disk cannot keep up with the clicks"
    return f"a report or a list in this process has been reading for {seconds:.0f} seconds"
