"""The pool for reading on SQLite: what a snapshot sees, and queries that nobody waits for any more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from time import monotonic
from typing import Any, TypeAlias
from unittest.mock import patch

import pytest
from sqlalchemy import func, insert, literal, select

from db.engine.sqlite import backend
from db.engine.store import Store
from db.errors import DatabaseUnavailable
from db.schema.partners import Partner
from db.sql.compiled_queries import CompiledQuery
from tests.support.databases import MakeDatabase

COUNT = CompiledQuery(select(func.count()).select_from(Partner))
numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < 1_000_000_000))
ENDLESS = CompiledQuery(select(func.count()).select_from(numbers))
Ask: TypeAlias = Callable[[Store], Coroutine[Any, Any, None]]


@pytest.fixture
async def store(make_sqlite: MakeDatabase) -> AsyncIterator[Store]:
    store = Store(make_sqlite())
    yield store
    await store.close()


async def partners(store: Store) -> int:
    ((count,),) = await store.fetch(COUNT)
    return int(count)


async def add_partner(store: Store) -> None:
    async with store.write() as connection:
        await connection.execute(insert(Partner).values(name="A partner"))


async def test_a_snapshot_is_of_the_moment_of_its_first_query(store: Store) -> None:
    async with store.snapshot() as source:
        assert await source.fetch(COUNT, {}) == [(0,)]
        await add_partner(store)
        assert await source.fetch(COUNT, {}) == [(0,)]
        assert await partners(store) == 1
    for expected in (1, 2):
        async with store.snapshot() as source:
            assert await source.fetch(COUNT, {}) == [(expected,)]
        await add_partner(store)


async def test_after_a_failed_snapshot_the_next_one_is_new(store: Store) -> None:
    async def fail() -> None:
        async with store.snapshot() as source:
            await source.fetch(COUNT, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await add_partner(store)
    async with store.snapshot() as source:
        assert await source.fetch(COUNT, {}) == [(1,)]


async def fetched(store: Store) -> None:
    await store.fetch(ENDLESS)


async def in_snapshot(store: Store) -> None:
    async with store.snapshot() as source:
        await source.fetch(ENDLESS, {})


@pytest.mark.parametrize("ask", [fetched, in_snapshot])
async def test_a_query_that_nobody_waits_for_ends(store: Store, ask: Ask) -> None:
    asking = asyncio.create_task(ask(store))
    await asyncio.sleep(0.2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    started = monotonic()
    await store.close()  # returns once each connection is closed
    assert monotonic() - started < 5
    assert await partners(store) == 0


@pytest.mark.parametrize("ask", [fetched, in_snapshot])
async def test_a_query_has_a_limit(store: Store, ask: Ask) -> None:
    with patch.object(backend, "SNAPSHOT_SECONDS", 0.1):
        with pytest.raises(DatabaseUnavailable):
            await ask(store)
        assert await partners(store) == 0


async def test_a_dropped_connection_is_closed_on_return(store: Store) -> None:
    async with store.snapshot() as source:
        await source.fetch(COUNT, {})
        store.database.drop_idle()
    reading = store.database.pools()[1]
    assert (reading.pool, reading.in_use, reading.idle) == ("reading", 0, 0)
    await partners(store)
    assert store.database.pools()[1].idle == 1


async def test_more_tasks_than_connections_take_turns(store: Store) -> None:
    found = await asyncio.gather(*(partners(store) for _ in range(10 * backend.POOL_SIZE)))
    assert found == [0] * len(found)
    assert store.database.pools()[1].idle <= backend.POOL_SIZE
