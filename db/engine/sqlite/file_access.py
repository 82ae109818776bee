"""Opening a SQLite file exclusively, or reading it without writing anything, for commands such as restore and audit.

Upgrades and restores must be sure that no other process has the file open, not even a gateway of an older version.
Audits and backups must also work on files that cannot be written.
"""

import asyncio
import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, NullPool, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from db.errors import FileInUse, UnusableDatabase

# Time enough for another command that reads the file to end; a gateway does not end.
PATIENCE_SECONDS = 2
# Run before the first access, from which on the connection locks out all others. For a file in WAL mode SQLite refuses
# this while any other connection has it open, even an idle one, because each holds a shared lock.
EXCLUSIVE = ("PRAGMA locking_mode = EXCLUSIVE", f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000}")
PRIMARY_CODE = 0xFF
# The bytes of a file's header that hold its journal mode, and their value for WAL; see
# https://www.sqlite.org/fileformat.html.
JOURNAL_BYTES = slice(18, 20)
WAL = b"\x02\x02"


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a file that SQLite keeps beside a database, such as its `-wal`."""
    return path.with_name(path.name + suffix)


def in_use(path: Path | str) -> FileInUse:
    """Return the error for a file that another process has open."""
    return FileInUse(f"another process has {path} open: first stop every gateway and any other program that uses it")


def is_busy(error: BaseException | None) -> bool:
    """Return whether an error means that another connection holds a lock."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


@asynccontextmanager
async def exclusive_transaction(url: URL) -> AsyncIterator[AsyncConnection]:
    """Open a transaction during which no other connection can have the file open; commit it at the end of the block.
    Foreign keys are not enforced, so that a referenced table can be copied and dropped.

    This process's own connections count too and must be closed first. Raises `FileInUse`.
    """
    engine = create_async_engine(url, connect_args={"isolation_level": None}, poolclass=NullPool)
    event.listen(engine.sync_engine, "connect", _set_up_exclusive)
    event.listen(engine.sync_engine, "begin", _begin_exclusive)
    try:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(engine.connect())
                await stack.enter_async_context(connection.begin())
            except OperationalError as error:
                if is_busy(error.orig):
                    raise in_use(url.database or "") from error
                raise
            yield connection
    finally:
        await engine.dispose()


@contextmanager
def opened_exclusively(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that no other connection has open, and lock out others until the end of the block. Raises
    `FileInUse`, and `sqlite3.DatabaseError` if the file is damaged or not a database."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            for pragma in EXCLUSIVE:
                connection.execute(pragma).fetchall()
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if is_busy(error):
                raise in_use(path) from error
            raise
        yield connection


def _set_up_exclusive(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (*EXCLUSIVE, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"):
        cursor.execute(pragma)
    cursor.close()


def _begin_exclusive(connection: Connection) -> None:
    connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("BEGIN EXCLUSIVE")


class StillFile:
    """A file that is read without its write-ahead log, because no process had it open; `moved` checks that this
    holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = self._state()

    def moved(self) -> bool:
        """Return whether the file was written since, so that what was read may be inconsistent."""
        return self._state() != self._before

    def _state(self) -> tuple[object, ...]:
        stat = self._path.stat()
        log = beside(self._path, "-wal")
        return stat.st_ino, stat.st_size, stat.st_mtime_ns, log.exists() and log.stat().st_size > 0


class ReadableFile:
    """The URI by which SQLite can read a file, and the check that what was read is consistent."""

    def __init__(self, uri: str, still: StillFile | None = None) -> None:
        self.uri = uri
        self._still = still

    def moved(self) -> bool:
        """Return whether the file was written in a way that makes what was read inconsistent, so it must be read
        again."""
        return self._still is not None and self._still.moved()


def tables_in(path: Path) -> tuple[frozenset[str], str | None]:
    """Return the names of a file's tables and the revision in its `alembic_version`; no tables and None for an empty or
    missing file. Writes nothing. Raises `UnusableDatabase`, and `FileInUse` if another process has locked the file."""
    if not path.exists() or (path.is_file() and path.stat().st_size == 0):
        return frozenset(), None
    check_is_database(path)
    is_still = not beside(path, "-wal").exists() and not beside(path, "-shm").exists()
    try:
        with closing(sqlite3.connect(_uri(path, "immutable=1" if is_still else "mode=ro"), uri=True)) as connection:
            rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            names = frozenset(name for (name,) in rows if not name.startswith("sqlite_"))
            versions: list[tuple[str]] = []
            if "alembic_version" in names:
                versions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            return names, versions[0][0] if versions else None
    except sqlite3.Error as error:
        if is_busy(error):
            raise in_use(path) from error
        raise UnusableDatabase(f"{path} cannot be read: {error}") from error


@contextmanager
def readable(path: Path) -> Iterator[ReadableFile]:
    """Find a way to read a file, including its write-ahead log, without writing to it or creating files beside it.

    A file without a log is read as it is. If the log cannot be used in place, as in a read-only folder, both are copied
    to the temporary folder. Raises `UnusableDatabase`, `OSError`.
    """
    check_is_database(path)
    log, index = beside(path, "-wal"), beside(path, "-shm")
    has_log = log.exists() and log.stat().st_size > 0
    with open(path, "rb") as file:
        in_wal_mode = file.read(20)[JOURNAL_BYTES] == WAL
    if not in_wal_mode:
        yield ReadableFile(_uri(path, "mode=ro"))
    elif not has_log and not index.exists():
        yield ReadableFile(_uri(path, "immutable=1"), StillFile(path))
    elif index.exists() and _can_be_read(_uri(path, "mode=ro")):
        yield ReadableFile(_uri(path, "mode=ro"))
    else:
        with tempfile.TemporaryDirectory(prefix="clickgate-") as folder:
            copy = Path(folder) / "copy.db"
            shutil.copyfile(path, copy)
            if has_log:
                shutil.copyfile(log, beside(copy, "-wal"))
            yield ReadableFile(_uri(copy, "mode=rw"))


@asynccontextmanager
async def readable_async(path: Path) -> AsyncIterator[ReadableFile]:
    """Do the same as `readable`, without blocking the event loop during the copy."""
    manager = readable(path)
    file = await asyncio.to_thread(manager.__enter__)
    try:
        yield file
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


def check_is_database(path: Path) -> None:
    """Check that a path is a readable SQLite database. Raises `UnusableDatabase`, which says what is wrong."""
    if not path.exists():
        raise UnusableDatabase(f"the database {path} does not exist")
    if not path.is_file():
        raise UnusableDatabase(f"{path} is not a file")
    if not os.access(path, os.R_OK):
        raise UnusableDatabase(f"{path} cannot be read: {os.strerror(errno.EACCES)}")
    if not path.stat().st_size:
        raise UnusableDatabase(f"{path} is empty")
    # By SQLite itself: to close any other handle would drop the locks that connections of this process hold, and who
    # closed a connection then would remove their log.
    with closing(sqlite3.connect(_uri(path, "immutable=1"), uri=True)) as connection:
        try:
            connection.execute("PRAGMA schema_version")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_NOTADB:
                raise UnusableDatabase(f"{path} is not a SQLite database") from error


def _can_be_read(uri: str) -> bool:
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except sqlite3.OperationalError:
        return False
    return True


def _uri(path: Path, parameters: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{parameters}"
