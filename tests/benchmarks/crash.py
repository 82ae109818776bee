"""Kill the gateway, or the database under it, at random times under load, and check that no acknowledged click is lost.

Some visitors send clicks with an `event_id` and retry until they get a response, like the tracker; others send clicks
without one, once. After each round all responses are compared with the events, and the counters are audited.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TypeAlias

import uvloop

from tests.benchmarks import databases
from tests.benchmarks.cluster_nodes import ClusterNodes, cluster_nodes
from tests.benchmarks.postgres_server import Cluster
from tests.benchmarks.script_result import Wrong, run
from tests.benchmarks.senders import Book, sending
from tests.benchmarks.servers import Server, gateway, kill

# When in a round the fault happens, and how long a database outage lasts.
BLOW_SECONDS = (0.3, 1.5)
OUTAGE_SECONDS = (0.5, 3.0)
# How soon clicks must be recorded again after the fault is over.
HEAL_SECONDS = 10
AFTER_SECONDS = 0.7
# A response that takes longer than a commit and the queue before it may is considered hanging.
SLOWEST_SECONDS = 15
FAULTS_SHOWN = 20


Databases: TypeAlias = Cluster | ClusterNodes


@dataclass(frozen=True, slots=True)
class Scene:
    """The processes that can be killed, and the source of randomness."""

    server: Server
    random: Random
    cluster: Databases | None = None

    async def pause(self, between: tuple[float, float]) -> None:
        """Wait for a random time."""
        await asyncio.sleep(self.random.uniform(*between))


async def gateway_killed(scene: Scene) -> None:
    """Kill all processes of the gateway at once; restart it."""
    await asyncio.to_thread(scene.server.kill)
    await asyncio.to_thread(scene.server.start)


async def worker_killed(scene: Scene) -> None:
    """Kill one worker process, which the gateway itself restarts."""
    root = scene.server.tree()[0]
    workers = [child for child in root.children() if "spawn_main" in " ".join(child.cmdline())]
    await asyncio.to_thread(kill, [scene.random.choice(workers)])


async def database_killed(scene: Scene) -> None:
    """Kill all processes of PostgreSQL at once; restart it after a while."""
    await _outage(scene, lambda cluster: cluster.kill())


async def database_stopped(scene: Scene) -> None:
    """Shut PostgreSQL down cleanly; restart it after a while."""
    await _outage(scene, lambda cluster: cluster.stop())


async def node_killed(scene: Scene) -> None:
    """Kill all processes of a cluster's worker node at once; restart it after a while."""
    _nodes(scene).choose(coordinator=False)
    await database_killed(scene)


async def node_stopped(scene: Scene) -> None:
    """Shut a cluster's worker node down; restart it after a while."""
    _nodes(scene).choose(coordinator=False)
    await database_stopped(scene)


async def coordinator_killed(scene: Scene) -> None:
    """Kill all processes of a cluster's coordinator at once; restart it after a while."""
    _nodes(scene).choose(coordinator=True)
    await database_killed(scene)


def _nodes(scene: Scene) -> ClusterNodes:
    if not isinstance(scene.cluster, ClusterNodes):
        raise TypeError("only a cluster has nodes")
    return scene.cluster


async def _outage(scene: Scene, end: Callable[[Databases], None]) -> None:
    if scene.cluster is None:
        raise RuntimeError("only a server of our own is ever stopped")
    await asyncio.to_thread(end, scene.cluster)
    await scene.pause(OUTAGE_SECONDS)
    await asyncio.to_thread(scene.cluster.start)


@dataclass(frozen=True, slots=True)
class Trial:
    """A kind of round: the fault, the number of gateway processes, and whether visitors must see a 503."""

    blow: Callable[[Scene], Awaitable[None]]
    workers: int = 1
    is_outage: bool = False


ON_SQLITE: Mapping[str, Trial] = {"gateway killed": Trial(gateway_killed)}
ON_POSTGRESQL: Mapping[str, Trial] = {
    "gateway killed": Trial(gateway_killed),
    "database killed": Trial(database_killed, is_outage=True),
    "database stopped": Trial(database_stopped, is_outage=True),
    "2 workers, all killed": Trial(gateway_killed, workers=2),
    "2 workers, one killed": Trial(worker_killed, workers=2),
    "2 workers, database killed": Trial(database_killed, workers=2, is_outage=True),
}
ON_CLUSTER: Mapping[str, Trial] = {
    "gateway killed": Trial(gateway_killed),
    "node killed": Trial(node_killed, is_outage=True),
    "coordinator killed": Trial(coordinator_killed, is_outage=True),
    "2 workers, one killed": Trial(worker_killed, workers=2),
    "2 workers, node killed": Trial(node_killed, workers=2, is_outage=True),
    "2 workers, node stopped": Trial(node_stopped, workers=2, is_outage=True),
}


def main() -> None:
    """Run the rounds that the command line asks for; print a line for each, and fail if a click was lost."""
    options = _options()
    with TemporaryDirectory(prefix="clickgate-crash-") as folder:
        if options.database in ("sqlite", "both"):
            with databases.sqlite(Path(folder)) as fresh:
                _try_all(ON_SQLITE, fresh("crash"), None, Path(folder), options)
        if options.database in ("postgresql", "both"):
            cluster = Cluster(Path(folder) / "postgresql")
            try:
                url = databases.new_database(cluster.url, "crash")
                _try_all(ON_POSTGRESQL, url, cluster, Path(folder), options)
            finally:
                cluster.close()
        if options.database == "citus":
            with cluster_nodes(options.cluster, options.start_node, Random(options.seed)) as nodes:
                _try_all(ON_CLUSTER, nodes.url, nodes, Path(folder), options)


def _try_all(
    trials: Mapping[str, Trial],
    url: str,
    cluster: Databases | None,
    folder: Path,
    options: argparse.Namespace,
) -> None:
    """Cycle through the kinds of rounds on one database, with one record of all responses."""
    databases.prepare(url)
    book, random = Book(), Random(options.seed)
    print(f"{'round':>5}  {'what':28} {'answered':>9} {'stored':>9} {'503':>7} {'back s':>7} {'slowest s':>10}")
    for number in range(options.rounds):
        name = list(trials)[number % len(trials)]
        trial = trials[name]
        with watched_gateway(url, folder, trial.workers) as server:
            before, book.slowest_seconds = book.refused, 0.0
            scene = Scene(server, random, cluster)
            back = uvloop.run(_round(trial, scene, book, options.senders))
            server.stop()
        stored = asyncio.run(databases.stored_clicks(url))
        events = databases.audit(url, answered=book.answered)
        refused = book.refused - before
        print(
            f"{number + 1:5}  {name:28} {book.answered:9} {events:9} {refused:7} {back:7.2f} "
            f"{book.slowest_seconds:10.2f}",
            flush=True,
        )
        faults = [*book.wrong(stored), *(f"{count} times {what}" for what, count in book.problems.items())]
        if trial.is_outage and not refused:
            faults.append("the database was away, but nobody was answered with 503")
        if book.slowest_seconds > SLOWEST_SECONDS:
            faults.append(f"an answer took {book.slowest_seconds:.1f} seconds")
        if faults:
            raise Wrong("\n".join(faults[:FAULTS_SHOWN]))


async def _round(trial: Trial, scene: Scene, book: Book, senders: int) -> float:
    """Cause a fault under load; return how many seconds later clicks were recorded again."""
    async with sending(scene.server.port, scene.random, book, senders):
        await scene.pause(BLOW_SECONDS)
        await trial.blow(scene)
        back = await book.answers_again(HEAL_SECONDS)
        await asyncio.sleep(AFTER_SECONDS)
    return back


@contextmanager
def watched_gateway(url: str, folder: Path, workers: int) -> Iterator[Server]:
    """Run a gateway. Raises `Wrong` if its log contains a traceback at the end, since an outage must not cause one."""
    server = gateway(url, folder / "gateway.log", workers=workers)
    known = len(server.tracebacks()) if server.log.exists() else 0
    with server:
        yield server
    if tracebacks := server.tracebacks()[known:]:
        raise Wrong(f"the gateway logged {len(tracebacks)} tracebacks, the first: {tracebacks[0]}")


def _options() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--database", choices=["sqlite", "postgresql", "both", "citus"], default="both")
    ask.add_argument("--cluster", metavar="URL", help="a cluster on this machine, as tests take it")
    ask.add_argument("--start-node", metavar="COMMAND", help="starts the cluster's node on the port that is appended")
    ask.add_argument("--rounds", type=int, default=20, help="on each database (default: %(default)s)")
    ask.add_argument("--senders", type=int, default=32, help="clicks under way at a time (default: %(default)s)")
    ask.add_argument("--seed", type=int, default=1, help="of the moments and the clicks (default: %(default)s)")
    return ask.parse_args()


if __name__ == "__main__":
    run(main)
