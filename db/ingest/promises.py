"""What a writer promises to those who follow the clicks: to record none of before a moment any more.

Kept in memory, without SQL: which moments new clicks may still have, and what becomes of clicks that are too early.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec.structs import replace

from db.ingest.clicks.records import Click, TestClick

logger = logging.getLogger(__name__)

AnyClick = TypeVar("AnyClick", bound=Click | TestClick)

# Time synchronisation moves a clock by less. A clock that goes back further was wrong before, and clicks should not
# carry its wrong time until the right one has caught up.
LARGEST_STEP = timedelta(seconds=10)
NO_STEP = timedelta()
NOT_YET = datetime.max.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


class Promises:
    """One writer's promise, which only grows unless the clock is set back by more than `LARGEST_STEP`.

    A click that is back-dated by more than that, as only a clock of its own can make one, keeps its moment; those who
    follow the clicks may miss it.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._first = NOT_YET
        self._floor = self.moment = datetime.min.replace(tzinfo=UTC)

    moment: datetime
    """No click of before this moment is recorded any more. Do not set it."""

    def admitted(self, click: AnyClick) -> AnyClick:
        """Return a click that was just received, with its moment moved up to the promise where it is a little earlier:
        the clock went back."""
        if click.occurred_at >= self.moment:
            return click
        self._follow_clock(self._clock())
        is_step = NO_STEP < self.moment - click.occurred_at <= LARGEST_STEP
        return replace(click, occurred_at=self.moment) if is_step else click

    def renewed(self, earliest: datetime | None) -> datetime:
        """Promise as much as can be promised now, and return it. `earliest` is the moment of the earliest click that
        was received and is neither committed nor refused."""
        now = self._clock()
        self._follow_clock(now)
        self.moment = max(self.moment, now if earliest is None else min(now, earliest))
        return self.moment

    def start_at(self, floor: datetime) -> None:
        """Promise at least what others have promised before: rows up to there may have been handed out already."""
        now = self._clock()
        if floor - now > LARGEST_STEP:
            logger.warning(
                "clicks are recorded up to %s, this machine's clock says %s: if one clock was wrong, "
                "those who follow the clicks may miss some until then",
                *(floor.isoformat(timespec="seconds"), now.isoformat(timespec="seconds")),
            )
            floor = now
        self._floor = self.moment = max(self.moment, floor)
        self._first = min(self._first, self._floor)

    def stamped(self, clicks: Sequence[Click | TestClick]) -> Sequence[Click | TestClick]:
        """Return clicks with their moments moved up to the promise that the writer started with, where it had to start
        again after they were received."""
        floor = self._floor
        return [click if click.occurred_at >= floor else self._moved_up(click) for click in clicks]

    def _moved_up(self, click: AnyClick) -> AnyClick:
        is_late = click.occurred_at >= self._first or self._floor - click.occurred_at <= LARGEST_STEP
        return replace(click, occurred_at=self._floor) if is_late else click

    def _follow_clock(self, now: datetime) -> None:
        if self.moment - now > LARGEST_STEP:
            seconds = (self.moment - now).total_seconds()
            logger.warning(
                "the clock went back by %.0f seconds: those who follow the clicks may miss some until it is %s again",
                *(seconds, self.moment.isoformat(timespec="seconds")),
            )
            self.moment = now
            self._floor = min(self._floor, now)
