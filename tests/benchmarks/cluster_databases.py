"""A plain PostgreSQL server and a Citus cluster with comparable settings, and a database with the same history on each.

The plain server is one of our own, which takes over the settings of the cluster's coordinator.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import asyncpg

from tests.benchmarks import generator
from tests.benchmarks.databases import clickgate, new_database
from tests.benchmarks.postgres_server import Cluster
from tests.benchmarks.seeds import Size
from tests.support.citus import CitusCluster

PLAIN, DISTRIBUTED = "plain", "cluster"
# What the time of a commit or of a query depends on.
SETTINGS = (
    *("fsync", "full_page_writes", "synchronous_commit", "wal_level", "max_wal_size"),
    *("shared_buffers", "work_mem", "jit", "autovacuum"),
)


@contextmanager
def filled(cluster_url: str, folder: Path, size: Size, shards: int) -> Iterator[Mapping[str, str]]:
    """Yield the URLs of both databases by name; remove them at the end."""
    settings = asyncio.run(_settings(cluster_url))
    print("settings of both:", ", ".join(f"{name} {value}" for name, value in settings.items()), flush=True)
    server = Cluster(folder / "postgresql")
    try:
        asyncio.run(_configure(server.url, settings))
        server.stop()
        server.start()
        plain = new_database(server.url, PLAIN)
        _fill(plain, size)
        cluster = CitusCluster(cluster_url)
        distributed = cluster.make_empty()
        try:
            _fill(distributed, size)
            started = perf_counter()
            clickgate(distributed, "db", "distribute", "--shards", str(shards))
            seconds = perf_counter() - started
            print(f"{len(cluster.nodes)} nodes, {shards} shards; distributing took {seconds:.1f} s", flush=True)
            yield {PLAIN: plain, DISTRIBUTED: distributed}
        finally:
            cluster.remove(distributed)
    finally:
        server.close()


def _fill(url: str, size: Size) -> None:
    """Generate the history, and the segments that breakdowns are read from."""
    generator.prepare(url, size)
    clickgate(url, "segments", "rebuild")


async def _settings(url: str) -> Mapping[str, str]:
    connection = await asyncpg.connect(url)
    try:
        return {name: await connection.fetchval(f"SHOW {name}") for name in SETTINGS}
    finally:
        await connection.close()


async def _configure(url: str, settings: Mapping[str, str]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for name, value in settings.items():
            await connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    finally:
        await connection.close()
