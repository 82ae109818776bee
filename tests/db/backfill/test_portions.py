"""Clicks from before there were derived fields get them portion by portion, whatever interrupts it."""

import asyncio
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select, text

from db.backfill.runner import BackfillRunner
from db.backfill.state import UnfilledClicks, clicks_left, unfilled_clicks
from db.engine.store import Store
from db.schema.backfills import ClickBackfill
from graph.domain.derived_fields import derived_fields
from tests.support.older_clicks import CLICKS, FIELDS, PORTION, check_filled, clicks, fill

pytestmark = pytest.mark.slow


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
