"""Requests that block the event loop take turns, so that clicks are answered however many there are."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query
from starlette.requests import ClientDisconnect

from graph.execution.turns import Turns
from graph.http.body import BODY_BYTES
from tests.support.databases import MakeDatabase
from tests.support.gateways import make_link
from tests.support.graphql_sockets import opened
from tests.support.processes import serving
from tests.support.raw_http import CLICK, PATH, request

CONNECTIONS = 100
# A click needs about ten iterations of the event loop; each of them would serve every connection once.
FEW = 5 * CONNECTIONS
INTROSPECTION = json.dumps({"query": get_introspection_query()}).encode()
LONG = b'{"query": "{ __typename }", "variables": {"a": [' + b'{"a": 1}, ' * (BODY_BYTES // 10 - 10) + b"1]}}"
JSON = "Content-Type: application/json"
FLOODS = {
    "introspection": request(JSON, path="/graphql", body=INTROSPECTION),
    "long bodies": request(JSON, path="/graphql", body=LONG),
    "long clicks": request(body=LONG),
    "scrapes": request(method="GET", path="/metrics", body=b""),
}


@asynccontextmanager
async def flooded(port: int, sent: bytes) -> AsyncIterator[Callable[[], int]]:
    """Send the same from many connections at once; yield how many answers have arrived."""
    answers = 0

    async def ask() -> None:
        nonlocal answers
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        while chunk := await reader.read(1 << 16):
            answers += chunk.count(b"HTTP/1.1 ")

    tasks = [asyncio.create_task(ask()) for _ in range(CONNECTIONS)]
    try:
        yield lambda: answers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FLOODS)
async def test_a_click_waits_for_few_requests_of_a_flood(make_sqlite: MakeDatabase, kind: str) -> None:
    url = make_sqlite()
    await make_link(url)
    async with serving(url) as (process, base), httpx.AsyncClient(base_url=base, timeout=60) as http:
        await http.post("/graphql", json={"query": "{ __typename }"})  # the schema is there from now on
        async with flooded(http.base_url.port or 0, FLOODS[kind] * 30) as answers:
            while answers() < 5:
                await asyncio.sleep(0.01)
            before = answers()
            assert (await http.post(PATH, content=CLICK)).status_code == 200
            assert answers() - before < FEW
            process.kill()  # a stop would answer one request of each connection


@pytest.mark.slow
async def test_a_click_is_answered_among_operations_on_sockets(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    await make_link(url)
    operations, answered = 400, 0

    async def ask(base: str) -> None:
        nonlocal answered
        async with opened(base, None) as ws:
            for number in range(operations // 20):
                payload = json.loads(INTROSPECTION)
                await ws.send(json.dumps({"type": "subscribe", "id": str(number), "payload": payload}))
            async for message in ws:
                answered += '"next"' in str(message)[:100]

    async with serving(url) as (process, base), httpx.AsyncClient(base_url=base, timeout=60) as http:
        tasks = [asyncio.create_task(ask(base)) for _ in range(20)]
        while answered < 5:
            await asyncio.sleep(0.01)
        before = answered
        assert (await http.post(PATH, content=CLICK)).status_code == 200
        assert answered - before < operations // 2
        process.kill()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def iterations(log: list[Any]) -> None:
    while True:
        log.append("iteration")
        await asyncio.sleep(0)


async def logged(turns: Turns, log: list[Any], *names: Any) -> None:
    """Have some tasks log their names when it is their turn, and the iterations of the event loop between them."""

    async def work(name: Any) -> None:
        await turns.take()
        log.append(name)

    between = asyncio.create_task(iterations(log))
    await asyncio.gather(*map(work, names))
    between.cancel()


async def test_with_no_time_left_one_request_starts_per_iteration_in_order() -> None:
    log: list[Any] = []
    await logged(Turns(0), log, *range(10))
    assert [name for name in log if name != "iteration"] == list(range(10))
    assert not [pair for pair in pairwise(log) if "iteration" not in pair]


async def test_requests_that_fit_into_an_iteration_do_not_wait() -> None:
    log: list[Any] = []
    await logged(Turns(60), log, *range(100))
    assert log[log.index(0) : log.index(99) + 1] == list(range(100))


async def test_a_later_request_does_not_overtake() -> None:
    turns, log = Turns(0), list[Any]()
    first = asyncio.create_task(logged(turns, log, *range(5)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await logged(turns, log, "late")
    await first
    assert [name for name in log if name != "iteration"] == [*range(5), "late"]


async def test_a_disconnected_client_gives_up_its_turn() -> None:
    turns, log = Turns(0), list[Any]()
    await turns.take()
    cancelled = asyncio.create_task(turns.take())
    await asyncio.sleep(0)
    cancelled.cancel()
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    waiting = [asyncio.create_task(turns.take()) for _ in range(50)]
    await asyncio.sleep(0)
    with pytest.raises(ClientDisconnect):
        await turns.take(receive)
    await asyncio.gather(*waiting)
    await logged(turns, log, "next")
    assert "next" in log
