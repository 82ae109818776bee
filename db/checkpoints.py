"""SQLite's write-ahead log copied back into the file, beside the commits that write it.

Otherwise a commit has to do that every so often, and all clicks wait meanwhile. It still copies the little that is left
when the log has become long, for the log begins anew only where no commit comes in between.
"""

import sqlite3
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from db.file_identity import DatabaseFile

# Small ones, for the disk writes them before the next commit.
CHECKPOINT_SECONDS = 0.1


class Checkpoints:
    """Copies the log back into the file, in a thread and on a connection of its own: no commit waits for it."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._connection = sqlite3.connect(file.uri, uri=True, isolation_level=None, check_same_thread=False)
        file.opened(self)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-checkpoint")
        self._under_way: Future[None] | None = None
        self._began_at = 0.0

    def go_on(self) -> None:
        """Begin another one after a commit, if the last one is over and began some time ago."""
        now = time.monotonic()
        if now - self._began_at >= CHECKPOINT_SECONDS and (self._under_way is None or self._under_way.done()):
            self._began_at = now
            self._under_way = self._thread.submit(self._run)

    def _run(self) -> None:
        with suppress(sqlite3.Error):  # the next one will try again; the commits' own would be as silent
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Give the connection up once nothing is under way on it."""
        self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()
        self._file.closed(self)
