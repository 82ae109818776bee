"""Sightings of the tracker: whose domain a host is, and that fetches cost next to no writes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.engine.store import Store
from db.lookups.tracker_sightings import MOST_WAITING, TrackerSightings, domains_of
from db.schema.integrations import TrackerSighting
from db.schema.programs import Program

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sightings(store: Store, clock: Clock) -> TrackerSightings:
    async with store.write() as connection:
        await connection.execute(update(Program).values(domain="shop.example"))
    return TrackerSightings(store, clock)


async def seen(store: Store) -> list[tuple[int, str, datetime]]:
    async with store.read() as connection:
        table = TrackerSighting
        rows = await connection.execute(
            select(table.program_id, table.domain, table.seen_at).order_by(table.program_id)
        )
        return [(row.program_id, row.domain, row.seen_at) for row in rows]


@pytest.mark.parametrize(
    ("host", "domains"),
    [
        ("shop.example", ["shop.example"]),
        ("a.b.shop.example", ["a.b.shop.example", "b.shop.example", "shop.example"]),
        ("www.shop.example:8080", ["www.shop.example:8080", "www.shop.example", "shop.example"]),
        ("localhost:3000", ["localhost:3000", "localhost"]),
        ("127.0.0.1:8000", ["127.0.0.1:8000", "127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"]),
        ("[::1]:8000", ["[::1]:8000", "[::1]"]),
    ],
)
def test_a_host_is_the_site_of_its_domain_and_of_those_above(host: str, domains: list[str]) -> None:
    assert list(domains_of(host)) == domains


async def test_a_program_is_written_once_an_hour_whatever_its_hosts(
    store: Store, sightings: TrackerSightings, clock: Clock
) -> None:
    for host in ("shop.example", "www.shop.example", "m.shop.example"):
        sightings.note(host)
        await sightings.write()
        clock.pass_(minutes=5)
    assert await seen(store) == [(1, "shop.example", NOW)]
    clock.pass_(minutes=45)
    sightings.note("shop.example")
    await sightings.write()
    assert await seen(store) == [(1, "shop.example", clock.now)]


async def test_a_host_of_no_program_is_looked_up_again_after_a_minute(
    store: Store, sightings: TrackerSightings, clock: Clock
) -> None:
    sightings.note("new.example")
    await sightings.write()
    async with store.write() as connection:
        await connection.execute(insert(Program).values(name="New", domain="new.example"))
    sightings.note("new.example")
    await sightings.write()
    assert await seen(store) == []
    clock.pass_(minutes=1)
    sightings.note("new.example")
    await sightings.write()
    assert [domain for _, domain, _ in await seen(store)] == ["new.example"]


async def test_every_program_of_a_domain_is_noted(store: Store, sightings: TrackerSightings) -> None:
    async with store.write() as connection:
        await connection.execute(insert(Program).values(name="Second", domain="shop.example"))
    sightings.note("shop.example")
    await sightings.write()
    assert [domain for _, domain, _ in await seen(store)] == ["shop.example"] * 2


async def test_hosts_that_nobody_has_take_no_more_than_their_share(
    store: Store, sightings: TrackerSightings, clock: Clock
) -> None:
    for number in range(MOST_WAITING + 5):
        sightings.note(f"{number}.example")
    sightings.note("shop.example")
    await sightings.write()
    assert await seen(store) == []
    sightings.note("shop.example")
    await sightings.write()
    assert len(await seen(store)) == 1
