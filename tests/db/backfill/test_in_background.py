"""Gateways fill in older clicks while they record new ones, and say how far they are."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, select, text

from db.backfill.runner import BackfillRunner
from db.backfill.state import clicks_left, is_unfilled
from db.engine.store import Store
from db.schema.clicks import ClickEvent
from db.tasks import end
from gateway.metrics import sample
from gateway.services import now
from graph.domain.derived_fields import derived_fields
from tests.support.captured_log import Log
from tests.support.gateways import running_gateway
from tests.support.older_clicks import CLICKS, add_clicks, check_filled, clicks, fill
from tests.support.processes import clickgate, kill, serving

pytestmark = pytest.mark.slow


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
        assert not log.complaints


async def test_the_metric_tells_how_many_clicks_are_left(upgraded: Store) -> None:
    for expected in (43, 0):
        sampling = asyncio.create_task(sample(upgraded, None, now))
        async with asyncio.timeout(20):
            while REGISTRY.get_sample_value("clickgate_unfilled_clicks") != expected:
                await asyncio.sleep(0.01)
        await end(sampling)
        await fill(upgraded)


async def is_complete(store: Store) -> bool:
    return not await clicks_left(store)


async def reaches(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_trouble_is_logged_once_and_ends_by_itself(upgraded: Store, log: Log) -> None:
    tries, is_broken = count(1), True
    latest = 0

    def derive(*sources: Any) -> dict[str, str | None]:
        nonlocal latest
        latest = next(tries)
        if is_broken:
            raise KeyError
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


async def test_the_upgrade_says_that_gateways_fill_in_older_clicks(upgraded: Store) -> None:
    url = upgraded.url.render_as_string(hide_password=False)
    told = clickgate(url, "db", "upgrade")
    assert "About 43 older clicks" in told.stdout
    await fill(upgraded)
    assert clickgate(url, "db", "upgrade").stdout.splitlines() == ["The schema is up to date."]


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
