"""What a question, a segment and the cache may take is bounded, and answers are the same within the bounds."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import polars as pl
import pytest

from db.audit.report import audit
from db.segments import counting, encoding, grouping, packed_clicks, scan, spilled_numbers
from db.segments.builder import SegmentBuilder
from db.segments.column_cache import ColumnCache, FileKey
from db.segments.encoding import MOST_CATEGORIES, StoredColumn, categories_of, decode, encode, listed, stored
from db.segments.merging import FULL_EVENTS, merged_with
from db.segments.numbering import values_of
from db.segments.questions import In
from graph.domain.errors import ReportTooLarge
from graph.reports.requests import BreakdownRequest, ClickReport, ReportFilter, ReportRequest
from tests.support.report_world import World, click

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
BY_CAMPAIGN = BreakdownRequest(("utm_campaign", "link"), first=3, with_visitors=True, with_rest=True)
REQUEST = ReportRequest(NOW, NOW + timedelta(days=1), visitors=True, breakdowns=(BY_CAMPAIGN,))


@pytest.fixture
async def world(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(encoding, "LARGE_ROWS", 25)
    world = await World.make(database_url)
    runner = world.runner(SegmentBuilder(world.store))
    for start in range(0, 60, 20):
        await world.click(*(click(NOW, n % 5 + 1, utm_campaign=f"c{n % 7}") for n in range(start, start + 20)))
        await runner.run_all()
    await runner.close()
    yield world
    await world.close()


def told(report: ClickReport) -> object:
    return report.totals, report.breakdowns


# As numbers, or as rows where a number would need more bits than it may have.
@pytest.mark.slow
@pytest.mark.parametrize("bits", [64, 0])
async def test_visitors_are_the_same_in_several_passes(
    world: World, monkeypatch: pytest.MonkeyPatch, bits: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await world.report(REQUEST)
    assert expected.totals is not None
    assert expected.totals.visitors == 60
    monkeypatch.setattr(packed_clicks, "NUMBER_BITS", bits)
    assert told(await world.report(REQUEST)) == told(expected)
    monkeypatch.setattr(counting, "HELD_BYTES", 200)
    monkeypatch.setattr(counting, "PACKED_BYTES", 200)
    monkeypatch.setattr(scan, "STEP_ROWS", 1)
    monkeypatch.setattr(scan, "CACHED_STEP_ROWS", 1)
    monkeypatch.setattr(spilled_numbers, "LARGE_FILES", str(tmp_path / "missing"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert told(await world.report(REQUEST)) == told(expected)
    assert ("a temporary file cannot be used" in caplog.text) == bool(bits)


@pytest.mark.slow
async def test_visitors_are_the_same_with_clicks_in_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await world.report(REQUEST)
    monkeypatch.setattr(counting, "PACKED_BYTES", 200)
    monkeypatch.setattr(scan, "STEP_ROWS", 1)
    monkeypatch.setattr(scan, "CACHED_STEP_ROWS", 1)
    # Two numbers at a time.
    monkeypatch.setattr(spilled_numbers, "SLICE_NUMBERS", 2)
    monkeypatch.setattr(counting, "MOST_PASSES", 1)
    assert told(await world.report(REQUEST)) == told(expected)


@pytest.mark.slow
async def test_a_file_that_cannot_be_read_is_no_outage_of_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = await world.report(REQUEST)
    monkeypatch.setattr(counting, "PACKED_BYTES", 200)
    monkeypatch.setattr(scan, "STEP_ROWS", 1)
    monkeypatch.setattr(scan, "CACHED_STEP_ROWS", 1)
    # Nothing of what was written is there.
    monkeypatch.setattr(spilled_numbers.SpilledNumbers, "_write", lambda *_: None)
    assert told(await world.report(REQUEST)) == told(expected)
    assert "a temporary file cannot be used: it has become shorter" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("bits", [64, 0])
async def test_a_question_that_no_number_of_passes_helps_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(packed_clicks, "NUMBER_BITS", bits)
    monkeypatch.setattr(counting, "HELD_BYTES", 0)
    monkeypatch.setattr(counting, "PACKED_BYTES", 0)
    with pytest.raises(ReportTooLarge, match="needs too much memory"):
        await world.report(REQUEST)


@pytest.mark.slow
async def test_a_question_with_too_many_rows_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_GROUPS", 20)
    with pytest.raises(ReportTooLarge, match="rows"):
        await world.report(REQUEST)


@pytest.mark.slow
async def test_a_column_with_many_values_is_kept_as_texts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await world.report(REQUEST)
    monkeypatch.setattr(encoding, "MOST_VALUES", 3)
    world.context.services.segments.cache = ColumnCache()
    assert told(await world.report(REQUEST)) == told(expected)
    monkeypatch.setattr(encoding, "MOST_CATEGORIES", 3)
    await world.click(click(NOW, utm_campaign="c1"))
    runner = world.runner(SegmentBuilder(world.store))
    await runner.run_all()
    await runner.close()
    again = await world.report(REQUEST)
    assert again.totals is not None
    assert again.totals.clicks == 61


@pytest.mark.slow
async def test_a_segment_with_texts_goes_with_others_that_have_numbers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await world.report(REQUEST)
    assert expected.totals is not None
    monkeypatch.setattr(encoding, "MOST_CATEGORIES", 3)
    await world.click(*(click(NOW, utm_campaign=f"another {number}") for number in range(10)))
    runner = world.runner(SegmentBuilder(world.store))
    await runner.run_all()
    await runner.close()
    async with asyncio.timeout(5):
        again = await world.report(REQUEST)
    assert again.totals is not None
    assert again.totals.clicks == expected.totals.clicks + 10


@pytest.mark.slow
async def test_new_segments_do_not_lengthen_a_list_of_values_that_is_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.report(REQUEST)  # whose cache keeps the list
    monkeypatch.setattr(encoding, "MOST_VALUES", 3)
    before = len(categories_of("utm_campaign").to_series())
    await world.click(*(click(NOW, utm_campaign=f"new {number}") for number in range(20)))
    runner = world.runner(SegmentBuilder(world.store))
    await runner.run_all()
    await runner.close()
    assert len(categories_of("utm_campaign").to_series()) == before
    again = await world.report(REQUEST)
    assert again.totals is not None
    assert again.totals.clicks == 80
    assert not (await audit(world.store)).differences


@pytest.mark.slow
async def test_conditions_add_no_values_to_those_that_are_kept(world: World) -> None:
    where = (In("utm_campaign", frozenset({"c1", "made up"})),)
    report = await world.report(ReportRequest(NOW, NOW + timedelta(days=1), filter=ReportFilter(where=where)))
    assert report.totals is not None
    assert report.totals.clicks == 9
    assert "c1" in categories_of("utm_campaign")
    assert "made up" not in categories_of("utm_campaign")


@pytest.mark.slow
async def test_a_question_that_takes_too_long_is_refused_and_the_next_one_answered(world: World) -> None:
    segments = world.context.services.segments
    expected = await world.report(REQUEST)
    async with segments.turn():
        segments.seconds = 0.05
        with pytest.raises(ReportTooLarge, match=r"takes longer than 0\.05 seconds"):
            await world.report(REQUEST)
        segments.seconds = 60
        waiting = asyncio.create_task(world.report(REQUEST))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert told(await world.report(REQUEST)) == told(expected)


def test_the_cache_keeps_within_its_size() -> None:
    cache = ColumnCache(max_bytes=10_000)
    for number in range(50):
        cache.add(FileKey("click", 1, number, 0), StoredColumn(pl.Series("link_id", range(100), pl.Int64)))
    assert 0 < cache.bytes <= 10_000
    large = StoredColumn(pl.Series("link_id", range(100_000), pl.Int64))
    assert len(cache.add(FileKey("click", 1, 99, 0), large)) == len(large.rows)
    assert cache.get(FileKey("click", 1, 99, 0), "link_id") is None
    assert cache.bytes <= 10_000


@pytest.mark.slow
async def test_a_question_that_does_not_fit_into_the_cache_leaves_it_half_empty(world: World) -> None:
    expected = await world.report(REQUEST)
    small = ReportRequest(NOW, NOW + timedelta(days=1), filter=REQUEST.filter, visitors=True)
    for size in (1, 300):
        cache = world.context.services.segments.cache = ColumnCache(max_bytes=size)
        await world.report(small)
        assert told(await world.report(REQUEST)) == told(expected)
        assert cache.bytes <= size / 2


def test_each_event_is_written_anew_a_few_times_and_segments_are_few() -> None:
    segments: list[tuple[int, int]] = []
    written = 0
    for number in range(1, 401):
        merged = merged_with(segments, 5000)
        written += 5000 + sum(events for _, events in merged)
        segments = [each for each in segments if each not in merged]
        segments.append((number, 5000 + sum(events for _, events in merged)))
        assert segments[-1][1] <= FULL_EVENTS
    assert sum(events for _, events in segments) == 400 * 5000
    assert len(segments) < 30
    assert written < 5 * 400 * 5000


def test_frames_are_joined_whatever_the_types_of_their_texts() -> None:
    few, many = MOST_CATEGORIES // 2 + 1, MOST_CATEGORIES + 1
    texts = [[f"{name}{number}" for number in range(size)] for name, size in (("a", few), ("b", few), ("c", many))]
    frames = [pl.DataFrame({"referrer": each, "browser": ["Safari"] * len(each)}) for each in texts]
    narrow = encoding.joined(frames[:1])
    assert [narrow[name].dtype == pl.String for name in ("referrer", "browser")] == [False, False]
    for parts in ((narrow, frames[1]), (narrow, frames[2]), (encoding.joined(frames[2:]), narrow, frames[0])):
        found = encoding.joined(parts)
        assert [found[name].dtype == pl.String for name in ("referrer", "browser")] == [True, False]
        assert encoding.plain(found).equals(pl.concat(map(encoding.plain, parts)))


@pytest.mark.parametrize("large", [1, 10])
def test_a_frame_survives_encoding(monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    monkeypatch.setattr(encoding, "LARGE_ROWS", large)
    frame = pl.DataFrame(
        {
            "occurred_at": [2**60, 1, 2],
            "leads": [0, 70_000, 1],
            "revenue": [5, -(2**50), 0],
            "country": ["DE", None, "US"],
            "city": pl.Series([None, None, None], dtype=pl.String),
            "referrer": ["a", None, "b"],
            "is_bot": [True, False, True],
        }
    )
    for each in (frame, frame.head(1), encoding.joined([frame, frame])):
        kept = each.with_columns(listed(each[name]) for name in ("country", "city"))
        data = encode(kept)
        assert data.startswith(encoding.MAGIC) == (len(kept) >= large)
        assert decode(data, crc32(data), kept.columns).equals(kept)
        chosen = ["is_bot", "city", "leads"]
        assert decode(data, crc32(data), chosen).equals(kept.select(decode(data, crc32(data), chosen).columns))


def test_positions_become_the_process_s_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "LARGE_ROWS", 1)
    texts = ["x", None, "z", "y", "x"]
    kept = listed(pl.Series("utm_term", ["v", "w", "x", "y", "z"]))
    data = encode(listed(pl.Series("utm_term", texts)).to_frame())
    (column,) = stored(data, crc32(data), ["utm_term"])
    numbers = ColumnCache().add(FileKey("click", 1, 1, 0), column)
    assert [None if number is None else values_of("utm_term")[number] for number in numbers] == texts
    assert len(kept) == len(texts)
