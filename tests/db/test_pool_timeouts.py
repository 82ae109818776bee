"""Exhausted connection pools: requests that need a connection are rejected like in any other outage, with a line in the
log, while clicks of known links, which need none, are recorded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import literal, select

from db.engine.postgresql.backend import POOL_SIZE
from db.engine.store import Store
from db.sql.compiled_queries import CompiledQuery
from tests.support.captured_log import Log
from tests.support.gateways import Gateway, running_gateway
from tests.support.outages import check_ready

pytestmark = pytest.mark.slow

# More than the size of any pool.
MOST = 40
ONE = CompiledQuery(select(literal(1)))
PERIOD = 'from: "2026-08-01T00:00:00Z", to: "2026-09-01T00:00:00Z"'
QUERIES = {
    "a list": "{ programs { nodes { name } } }",
    "a list and its total": "{ referralLinks { totalCount nodes { code } } }",
    "a report's part": f"{{ clickReport({PERIOD}) {{ clicks }} }}",
    "a report": f"{{ clickReport({PERIOD}) {{ clicks series(interval: DAY) {{ people }} }} }}",
    "a mutation": 'mutation { createProgram(input: {name: "Late"}) { program { name } } }',
}


@contextmanager
def observed_stores() -> Iterator[list[Store]]:
    """Collect the databases that gateways open during the block."""
    stores: list[Store] = []

    def make(*arguments: Any, **named: Any) -> Store:
        stores.append(Store(*arguments, **named))
        return stores[-1]

    with patch("gateway.services.Store", make), patch("db.engine.backend.pool_usage.POOL_SECONDS", 0.3):
        yield stores


@asynccontextmanager
async def all_in_use(store: Store) -> AsyncIterator[None]:
    """Take pooled connections until none is left."""
    async with AsyncExitStack() as stack:
        for take in (store.snapshot, store.read):
            await _take_all(stack, take)
        yield


async def _take_all(stack: AsyncExitStack, take: Callable[[], Any]) -> None:
    for _ in range(MOST):
        try:
            await stack.enter_async_context(take())
        except Exception:
            return
    raise AssertionError("the pool has no end")


@pytest.fixture
async def crowded(database_url: str, log: Log) -> AsyncIterator[tuple[Gateway, Store]]:
    with observed_stores() as stores:
        async with running_gateway(database_url) as gateway:
            await gateway.link()
            await check_ready(gateway)
            yield gateway, stores[0]


def traceback_lines(log: Log) -> list[str]:
    return [record.getMessage() for record in log.records if record.exc_info]


def pool_lines(log: Log) -> list[str]:
    return [record.getMessage() for record in log.records if record.name == "db.engine.backend.pool_usage"]


async def test_a_request_without_a_free_connection_may_be_retried(crowded: tuple[Gateway, Store], log: Log) -> None:
    gateway, store = crowded
    token = await gateway.token()
    await gateway.graphql(QUERIES["a list"], token=token)  # the token is cached
    async with all_in_use(store):
        log.records.clear()
        for what, query in QUERIES.items():
            (error,) = (await gateway.graphql(query, token=token))["errors"]
            assert error["extensions"]["code"] == "UNAVAILABLE", what
            assert error["extensions"]["retryAfter"] >= 1
        assert (await gateway.track()).status_code == 200
    assert len(pool_lines(log)) <= 1
    await check_ready(gateway)
    assert not traceback_lines(log)
    assert len(pool_lines(log)) <= 3


async def test_a_token_that_cannot_be_looked_up_gets_a_503(crowded: tuple[Gateway, Store], log: Log) -> None:
    gateway, store = crowded
    token = await gateway.token()
    await gateway.link("LATER", program=await gateway.program(), partner=await gateway.partner())
    async with all_in_use(store):
        answer = await gateway.http.post(
            "/graphql", json={"query": QUERIES["a list"]}, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        answer = await gateway.track("UNKNOWN")
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
    await check_ready(gateway)
    assert not traceback_lines(log)


@pytest.mark.parametrize("moment", ["waiting", "handed over", "timed out"])
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_cancelled_query_keeps_no_place_in_the_pool(moment: str, database_url: str) -> None:
    with patch("db.engine.backend.pool_usage.POOL_SECONDS", 0.1 if moment == "timed out" else 10):
        store = Store(database_url)
        try:
            async with AsyncExitStack() as stack:
                snapshots = [await stack.enter_async_context(AsyncExitStack()) for _ in range(POOL_SIZE)]
                for snapshot in snapshots:
                    await snapshot.enter_async_context(store.snapshot())
                late = [asyncio.create_task(store.fetch(ONE)) for _ in range(2)]
                await asyncio.sleep(0)
                if moment == "handed over":
                    await snapshots[0].aclose()  # the first in the queue has its turn, but has not run
                elif moment == "timed out":
                    await asyncio.wait(late)
                late[0].cancel()
                await asyncio.gather(*late[:1], return_exceptions=True)
                await snapshots[1].aclose()
                if moment != "timed out":
                    assert [tuple(row) for row in await late[1]] == [(1,)]
            await asyncio.gather(*late, return_exceptions=True)
            usage = store.database.pools()[1]
            assert (usage.in_use, usage.waiting) == (0, 0)
            assert len(await asyncio.gather(*(store.fetch(ONE) for _ in range(3 * POOL_SIZE)))) == 3 * POOL_SIZE
        finally:
            await store.close()
