"""What a writer promises to those who follow its records: to commit none of before a moment any more.

Kept in memory, without SQL: which moments new records may still have, and what becomes of those that are too early.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from db.ingest.recordable import R, Recordable

logger = logging.getLogger(__name__)

# Time synchronisation moves a clock by less. A clock that goes back further was wrong before, and records should not
# carry its wrong time until the right one has caught up.
LARGEST_STEP = timedelta(seconds=10)
NO_STEP = timedelta()
NOT_YET = datetime.max.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


class Promises:
    """One writer's promise, which only grows unless the clock is set back by more than `LARGEST_STEP`.

    A record that is back-dated by more than that, as only a clock of its own can make one, keeps its moment; those who
    follow may miss it.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._first = NOT_YET
        self._floor = self.moment = datetime.min.replace(tzinfo=UTC)

    moment: datetime
    """Nothing of before this moment is committed any more. Do not set it."""

    def admitted(self, record: R) -> R:
        """Return a record that was just received, with its moment moved up to the promise where it is a little earlier:
        the clock went back."""
        if record.received_at >= self.moment:
            return record
        self._follow_clock(self._clock())
        is_step = NO_STEP < self.moment - record.received_at <= LARGEST_STEP
        return replace(record, received_at=self.moment) if is_step else record

    def renewed(self, earliest: datetime | None) -> datetime:
        """Promise as much as can be promised now, and return it. `earliest` is the moment of the earliest record that
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

    def stamped(self, records: Sequence[Recordable[Any]]) -> Sequence[Recordable[Any]]:
        """Return records with their moments moved up to the promise that the writer started with, where it had to start
        again after they were received."""
        floor = self._floor
        return [record if record.received_at >= floor else self._moved_up(record) for record in records]

    def _moved_up(self, record: R) -> R:
        is_late = record.received_at >= self._first or self._floor - record.received_at <= LARGEST_STEP
        return replace(record, received_at=self._floor) if is_late else record

    def _follow_clock(self, now: datetime) -> None:
        if self.moment - now > LARGEST_STEP:
            seconds = (self.moment - now).total_seconds()
            logger.warning(
                "the clock went back by %.0f seconds: those who follow the clicks may miss some until it is %s again",
                *(seconds, self.moment.isoformat(timespec="seconds")),
            )
            self.moment = now
            self._floor = min(self._floor, now)
