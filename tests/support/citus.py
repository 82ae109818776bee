"""Databases on a Citus cluster that is there already, which `CLICKGATE_TEST_CITUS_URL` names.

The URL is that of a database on the coordinator that knows its nodes, of a role that may create databases on each of
them. Each test gets a database of its own, a copy of a template on each node.
"""

import asyncio
import os
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import URL, make_url

from db.cluster.distributing import distribute, make_plan
from db.engine.migrate import upgrade
from db.engine.store import Store

VARIABLE = "CLICKGATE_TEST_CITUS_URL"
CITUS_URL = os.environ.get(VARIABLE)
# A table has a shard for each, so few of them are made and removed fast.
SHARDS = 4
NODES = "SELECT nodename, nodeport FROM pg_dist_node WHERE noderole = 'primary' AND isactive ORDER BY groupid"


class Node(NamedTuple):
    host: str
    port: int


class CitusCluster:
    """A cluster, whose first node is the coordinator."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.nodes = [Node(*row) for row in _run(self._fetch(self.url, NODES))]
        self._prefix = f"clickgate_{os.getpid()}"
        self._numbers = count(1)

    def url_of(self, database: str, node: Node | None = None) -> URL:
        there = node or self.nodes[0]
        return self.url.set(drivername="postgresql", database=database, host=there.host, port=there.port)

    def make_template(self) -> None:
        name = self._template
        self._make_empty(name)
        _run(_distribute(self.url_of(name).render_as_string(hide_password=False)))
        self.on_all_nodes(
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )

    def make(self) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        self.on_all_nodes(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY wal_log")
        return self.url_of(name).render_as_string(hide_password=False)

    def make_empty(self) -> str:
        """Create a database that knows its nodes, and has no tables; return its URL."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self._make_empty(name)
        return self.url_of(name).render_as_string(hide_password=False)

    def remove(self, url: str) -> None:
        self.on_all_nodes(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def remove_template(self) -> None:
        self.on_all_nodes(f"DROP DATABASE IF EXISTS {self._template} WITH (FORCE)")

    def on_all_nodes(self, *statements: str) -> None:
        """Run statements in each node's own database, one after the other."""
        _run(self._on_all_nodes(statements))

    def _make_empty(self, name: str) -> None:
        self.on_all_nodes(f"CREATE DATABASE {name}")
        for node in self.nodes:
            _run(self._fetch(self.url_of(name, node), "CREATE EXTENSION citus"))
        first, *others = self.nodes
        _run(self._fetch(self.url_of(name), f"SELECT citus_set_coordinator_host('{first.host}', {first.port})"))
        for node in others:
            _run(self._fetch(self.url_of(name), f"SELECT citus_add_node('{node.host}', {node.port})"))

    async def _on_all_nodes(self, statements: Sequence[str]) -> None:
        await asyncio.gather(*(self._fetch(self.url_of("postgres", node), *statements) for node in self.nodes))

    @staticmethod
    async def _fetch(url: URL, *statements: str) -> Sequence[Any]:
        connection = await asyncpg.connect(url.render_as_string(hide_password=False))
        try:
            found: Sequence[Any] = []
            for statement in statements:
                found = await connection.fetch(statement)
            return found
        finally:
            await connection.close()

    @property
    def _template(self) -> str:
        return f"{self._prefix}_template"


@contextmanager
def citus_cluster() -> Iterator[CitusCluster]:
    assert CITUS_URL is not None
    cluster = CitusCluster(CITUS_URL)
    cluster.make_template()
    try:
        yield cluster
    finally:
        cluster.remove_template()


async def _distribute(url: str) -> None:
    store = Store(url)
    await upgrade(store)
    await distribute(store, await make_plan(store), lambda _: None, shards=SHARDS)
    await store.close()


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    # In a thread of its own, because a test's event loop may be running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
