"""A database that a command only reads: audits and backups, also of copies that cannot be written."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from db.engine.sqlite.backend import checked_path
from db.engine.sqlite.file_access import ReadableFile, readable_async
from db.engine.store import Store


class ReadOnlyStore(NamedTuple):
    """A store that is read, and on SQLite the file and how it is read."""

    store: Store
    path: Path | None
    file: ReadableFile | None

    def moved(self) -> bool:
        """Return whether the database changed in a way that spoils what was read: read it again."""
        return self.file is not None and self.file.moved()


@asynccontextmanager
async def open_read_only(url: str) -> AsyncIterator[ReadOnlyStore]:
    """Open a database to read it without changing anything. Raises `UnusableDatabase`, `OSError`."""
    async with AsyncExitStack() as stack:
        store = Store(url)
        path = file = None
        if store.is_sqlite:
            path = checked_path(store.url)
            file = await stack.enter_async_context(readable_async(path))
            store = Store(url, reading_uri=file.uri)
        stack.push_async_callback(store.close)
        yield ReadOnlyStore(store, path, file)
