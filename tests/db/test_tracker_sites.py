"""The hosts that load the tracker: whose site a host is, and that fetches cost next to no writes."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from db.engine.store import Store
from db.lookups.site_programs import domains_of
from db.lookups.tracker_sites import MOST_STORED, MOST_WAITING, TrackerSites
from db.schema.integrations import TrackerSite
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
async def sites(store: Store, clock: Clock) -> TrackerSites:
    async with store.write() as connection:
        await connection.execute(update(Program).values(domain="shop.example"))
    return TrackerSites(store, clock)


async def seen(store: Store) -> list[tuple[int, str, datetime]]:
    async with store.read() as connection:
        table = TrackerSite
        rows = await connection.execute(
            select(table.program_id, table.host, table.seen_at).order_by(table.program_id, table.host)
        )
        return [(row.program_id, row.host, row.seen_at) for row in rows]


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


async def test_each_host_of_a_site_is_written_once_an_hour(store: Store, sites: TrackerSites, clock: Clock) -> None:
    for host in ("shop.example", "www.shop.example", "shop.example"):
        sites.note(host)
        await sites.write()
        clock.pass_(minutes=5)
    assert await seen(store) == [(1, "shop.example", NOW), (1, "www.shop.example", NOW + timedelta(minutes=5))]
    clock.pass_(minutes=45)
    sites.note("shop.example")
    await sites.write()
    assert (1, "shop.example", clock.now) in await seen(store)


@pytest.mark.slow
async def test_a_program_keeps_its_domain_and_the_hosts_seen_last(
    store: Store, sites: TrackerSites, clock: Clock
) -> None:
    sites.note("shop.example")
    await sites.write()
    for number in range(MOST_STORED + 5):
        clock.pass_(seconds=1)
        sites.note(f"{number}.shop.example")
        await sites.write()
    newest = sorted(f"{number}.shop.example" for number in range(6, MOST_STORED + 5))
    assert [host for _, host, _ in await seen(store)] == [*newest, "shop.example"]


async def test_a_host_of_no_program_is_looked_up_again_after_a_minute(
    store: Store, sites: TrackerSites, clock: Clock
) -> None:
    sites.note("new.example")
    await sites.write()
    async with store.write() as connection:
        await connection.execute(insert(Program).values(name="New", domain="new.example"))
    sites.note("new.example")
    await sites.write()
    assert await seen(store) == []
    clock.pass_(minutes=1)
    sites.note("new.example")
    await sites.write()
    assert [domain for _, domain, _ in await seen(store)] == ["new.example"]


async def test_every_program_of_a_domain_is_noted(store: Store, sites: TrackerSites) -> None:
    async with store.write() as connection:
        await connection.execute(insert(Program).values(name="Second", domain="shop.example"))
    sites.note("shop.example")
    await sites.write()
    assert [domain for _, domain, _ in await seen(store)] == ["shop.example"] * 2


async def test_hosts_that_nobody_has_take_no_more_than_their_share(
    store: Store, sites: TrackerSites, clock: Clock
) -> None:
    for number in range(MOST_WAITING + 5):
        sites.note(f"{number}.example")
    sites.note("shop.example")
    await sites.write()
    assert await seen(store) == []
    sites.note("shop.example")
    await sites.write()
    assert len(await seen(store)) == 1


async def test_a_host_is_noted_for_the_most_specific_domain_only(store: Store, sites: TrackerSites) -> None:
    async with store.write() as connection:
        await connection.execute(insert(Program).values(name="Second", domain="blog.shop.example"))
    for host in ("www.shop.example", "www.blog.shop.example"):
        sites.note(host)
    await sites.write()
    assert [(program, host) for program, host, _ in await seen(store)] == [
        (1, "www.shop.example"),
        (2, "www.blog.shop.example"),
    ]
