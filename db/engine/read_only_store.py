"""Opening a database for a command that only reads it, such as an audit.

This works for files that cannot be written too, such as a backup in a read-only folder.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from db.engine.sqlite.backend import checked_path
from db.engine.sqlite.file_access import ReadableFile, readable_async
from db.engine.store import Store


class ReadOnlyStore(NamedTuple):
    """A store opened for reading and, on SQLite, its file and how that is read."""

    store: Store
    path: Path | None
    file: ReadableFile | None

    def moved(self) -> bool:
        """Return whether the file was written in a way that makes what was read inconsistent, so it must be read
        again."""
        return self.file is not None and self.file.moved()


@asynccontextmanager
async def open_read_only(url: str) -> AsyncIterator[ReadOnlyStore]:
    """Open a database without changing anything, not even its files. Raises `UnusableDatabase`, `OSError`."""
    async with AsyncExitStack() as stack:
        store = Store(url)
        path = file = None
        if store.is_sqlite:
            path = checked_path(store.url)
            file = await stack.enter_async_context(readable_async(path))
            store = Store(url, reading_uri=file.uri)
        stack.push_async_callback(store.close)
        yield ReadOnlyStore(store, path, file)
