"""The timestamps that clicks may get, when clocks are set back and when a writer has to register again."""

from datetime import UTC, datetime, timedelta

import pytest

from db.ingest.clicks.records import Click, VisitRecord
from db.ingest.watermark import Watermark

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that returns the time it is set to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def click(at: datetime) -> Click:
    return Click(at, 1, 1, 1, "https://yoursite.com/?aff=PARTNER123", VisitRecord())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_watermark_advances_to_now_or_the_earliest_pending_click(clock: Clock) -> None:
    watermark = Watermark(clock)
    assert watermark.advanced(None) == NOON
    clock.now += 5 * SECOND
    assert watermark.advanced(NOON + SECOND) == NOON + SECOND
    assert watermark.advanced(NOON) == NOON + SECOND, "a watermark does not go back"
    assert watermark.advanced(None) == NOON + 5 * SECOND


def test_a_clock_set_back_slightly_does_not_move_the_watermark_back(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    watermark = Watermark(clock)
    watermark.advanced(None)
    clock.now -= 3 * SECOND
    assert watermark.admitted(click(clock())).received_at == NOON
    assert watermark.advanced(None) == NOON
    clock.now += 4 * SECOND
    assert watermark.admitted(click(clock())).received_at == NOON + SECOND
    assert not caplog.records


def test_a_clock_set_back_far_is_trusted_and_logged_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    watermark = Watermark(clock)
    watermark.advanced(None)
    clock.now -= 3600 * SECOND
    for _ in range(3):
        assert watermark.admitted(click(clock())).received_at == clock.now
        assert watermark.advanced(None) == clock.now
    assert [record.getMessage() for record in caplog.records] == [
        "the clock went back by 3600 seconds: those who follow the clicks may miss some until it is "
        "2026-05-01T12:00:00+00:00 again"
    ]


def test_an_old_click_keeps_its_timestamp(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    watermark = Watermark(clock)
    watermark.start_at(NOON - SECOND)
    watermark.advanced(None)
    old = click(NOON - timedelta(days=90))
    assert watermark.admitted(old) is old
    assert watermark.stamped([old]) == [old]
    assert watermark.advanced(old.received_at) == NOON
    assert not caplog.records


def test_clicks_pending_while_the_writer_was_presumed_dead_get_a_later_timestamp(clock: Clock) -> None:
    watermark = Watermark(clock)
    watermark.start_at(NOON - SECOND)
    watermark.advanced(None)
    waiting = [click(NOON), click(NOON + SECOND), click(NOON - timedelta(days=90))]
    clock.now += 60 * SECOND
    watermark.start_at(clock.now - SECOND)
    timestamps = [each.received_at for each in watermark.stamped(waiting)]
    assert timestamps == [clock.now - SECOND, clock.now - SECOND, NOON - timedelta(days=90)]


def test_a_gateway_whose_clock_is_slow_starts_from_the_others_watermarks(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    watermark = Watermark(clock)
    watermark.start_at(NOON + 3 * SECOND)
    assert watermark.admitted(click(NOON)).received_at == NOON + 3 * SECOND
    assert not caplog.records
    watermark.start_at(NOON + 3600 * SECOND)
    assert watermark.admitted(click(NOON + 3 * SECOND)).received_at == NOON + 3 * SECOND
    assert "one clock was wrong" in caplog.text
