"""The nodes of a Citus cluster on this machine, which a trial kills, and starts again by a command that it is given."""

import asyncio
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import asyncpg
import psutil

from tests.benchmarks.servers import kill
from tests.support.citus import CitusCluster

START_SECONDS = 60
RETRY_SECONDS = 0.2


class ClusterNodes:
    """One node at a time is stopped or killed: the coordinator, or a worker. `start_command` starts the node whose port
    it is given as its last argument."""

    def __init__(self, cluster: CitusCluster, url: str, start_command: str, random: Random) -> None:
        self.url = url
        self._cluster = cluster
        self._command = shlex.split(start_command)
        self._random = random
        self._port = 0

    def choose(self, *, coordinator: bool) -> None:
        """Choose the node that the next fault concerns."""
        first, *others = self._cluster.nodes
        self._port = first.port if coordinator else self._random.choice(others).port

    def kill(self) -> None:
        """Kill all processes of the node at once."""
        postmaster = _listening(self._port)
        kill([postmaster, *postmaster.children(recursive=True)])

    def stop(self) -> None:
        """Shut the node down: sessions are terminated, and commits are flushed."""
        postmaster = _listening(self._port)
        postmaster.send_signal(signal.SIGINT)  # what `pg_ctl stop -m fast` sends
        postmaster.wait(START_SECONDS)

    def start(self) -> None:
        """Start the node again; return once it accepts connections."""
        subprocess.run([*self._command, str(self._port)], check=True, timeout=START_SECONDS, capture_output=True)
        deadline = time.monotonic() + START_SECONDS
        while not asyncio.run(self._accepts()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the node on port {self._port} does not start")
            time.sleep(RETRY_SECONDS)

    async def _accepts(self) -> bool:
        (node,) = (node for node in self._cluster.nodes if node.port == self._port)
        try:
            connection = await asyncpg.connect(
                self._cluster.url_of("postgres", node).render_as_string(hide_password=False)
            )
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True


@contextmanager
def cluster_nodes(url: str, start_command: str, random: Random) -> Iterator[ClusterNodes]:
    """Yield the nodes, with a new distributed database."""
    cluster = CitusCluster(url)
    cluster.make_template()
    database = cluster.make()
    try:
        yield ClusterNodes(cluster, database, start_command, random)
    finally:
        cluster.remove(database)
        cluster.remove_template()


def _listening(port: int) -> psutil.Process:
    processes: Sequence[psutil.Process] = [
        psutil.Process(each.pid)
        for each in psutil.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port and each.pid is not None
    ]
    return processes[0]
