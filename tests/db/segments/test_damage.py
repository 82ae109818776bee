"""A segment that is damaged or missing is noticed, never answered from, and made anew."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

import pytest
from sqlalchemy import delete, func, select, update

from db.audit.report import audit
from db.outbox.consumers import rewind_consumer
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.builder import SegmentBuilder
from graph.domain.errors import ReportTooLarge
from graph.reports.dimensions import Dimension
from graph.reports.requests import Counts, ReportRequest, Top
from tests.support.report_world import World, click

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OTHER_DATA = b"PAR1 but not really a file"
OTHER_ARROW = b"CGA1\x04\x00\x00\x00 but no files"
COUNTRIES = Top(Dimension.COUNTRY)
REQUEST = ReportRequest(NOW, NOW + timedelta(days=1), tops=(COUNTRIES,))
DAMAGE: dict[str, Any] = {
    "its data": update(ReportSegment).values(data=OTHER_DATA),
    "its data and its checksum": update(ReportSegment).values(data=OTHER_DATA, checksum=crc32(OTHER_DATA)),
    "its files": update(ReportSegment).values(data=OTHER_ARROW, checksum=crc32(OTHER_ARROW)),
    "its format": update(ReportSegment).values(data=b"?", checksum=crc32(b"?")),
    "the number of its events": update(ReportSegment).values(events=ReportSegment.events + 1),
    "all of it": delete(ReportSegment),
    "one of two": delete(ReportSegment).where(ReportSegment.program_id == 2),
    "what there should be": delete(ReportSegmentTotal),
}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    world = await World.make(database_url)
    await world.click(*(click(NOW, link, country="DE") for link in (1, 2, 4)))
    await make_segments(world)
    yield world
    await world.close()


async def make_segments(world: World) -> None:
    runner = world.runner(SegmentBuilder(world.store))
    await runner.run_all()
    await runner.close()


async def segments(world: World) -> int:
    async with world.store.read() as connection:
        return await connection.scalar(select(func.count()).select_from(ReportSegment)) or 0


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_segment_is_made_anew_and_never_answered_from(
    world: World, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await segments(world) == 2
    async with world.store.write() as connection:
        await connection.execute(DAMAGE[damage])
    assert (await audit(world.store)).difference_count
    report = await world.report(REQUEST)
    assert [(share.value, share.counts) for share in report.tops[COUNTRIES]] == [("DE", Counts(3, 0, 3))]
    assert "segments are made anew" in caplog.text
    assert not (await audit(world.store)).differences
    assert await segments(world) == 0
    await make_segments(world)
    assert await segments(world) == 2
    assert not (await audit(world.store)).differences
    caplog.clear()
    assert (await world.report(REQUEST)).tops == report.tops
    assert not caplog.text


async def test_a_damaged_segment_does_not_keep_new_clicks_from_segments(world: World) -> None:
    async with world.store.write() as connection:
        await connection.execute(DAMAGE["its data"])
    await world.click(click(NOW, 1, country="DE"))
    await make_segments(world)
    assert await segments(world) == 3
    report = await world.report(replace(REQUEST, totals=False))
    assert report.tops[COUNTRIES][0].counts.people == 4


async def test_segments_are_made_anew_however_long_that_takes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly(*arguments: Any) -> None:
        await asyncio.sleep(0.3)
        await rewind_consumer(*arguments)

    monkeypatch.setattr("db.segments.service.rewind_consumer", slowly)
    async with world.store.write() as connection:
        await connection.execute(DAMAGE["its data"])
    service = world.context.services.segments
    service.seconds = 0.2
    with pytest.raises(ReportTooLarge):
        await world.report(REQUEST)
    service.seconds = 60
    report = await world.report(REQUEST)
    assert report.tops[COUNTRIES][0].counts.people == 3
    assert not (await audit(world.store)).differences
    assert await segments(world) == 0
    await service.close()
