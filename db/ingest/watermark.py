"""The writer's watermark: the time before which it commits no more records, so that clients can follow what it commits.

Works in memory, without SQL. It decides which timestamp a record may still get, and moves timestamps up that would fall
behind the watermark.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from db.ingest.recordable import R, Recordable

logger = logging.getLogger(__name__)

# Time synchronisation moves a clock by less than this. A clock that goes back further was wrong before, and new records
# should not carry its wrong time until the right one has caught up.
LARGEST_STEP = timedelta(seconds=10)
NO_STEP = timedelta()
NOT_YET = datetime.max.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


class Watermark:
    """One writer's watermark. It only advances, unless the clock is set back by more than `LARGEST_STEP`.

    A record dated back by more than that keeps its timestamp, and clients that follow may miss it. Only a sender with a
    clock of its own can produce one.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._first = NOT_YET
        self._floor = self.timestamp = datetime.min.replace(tzinfo=UTC)

    timestamp: datetime
    """No record from before this time will be committed. Read-only for other modules."""

    def admitted(self, record: R) -> R:
        """Return a record that was just received. If the clock went back a little, its timestamp is moved up to the
        watermark."""
        if record.received_at >= self.timestamp:
            return record
        self._follow_clock(self._clock())
        is_step = NO_STEP < self.timestamp - record.received_at <= LARGEST_STEP
        return replace(record, received_at=self.timestamp) if is_step else record

    def advanced(self, earliest: datetime | None) -> datetime:
        """Advance the watermark as far as possible and return it. `earliest` is the timestamp of the earliest record
        that was received and is neither committed nor refused."""
        now = self._clock()
        self._follow_clock(now)
        self.timestamp = max(self.timestamp, now if earliest is None else min(now, earliest))
        return self.timestamp

    def start_at(self, floor: datetime) -> None:
        """Start from the watermark of other writers, because clients may have read everything up to it."""
        now = self._clock()
        if floor - now > LARGEST_STEP:
            logger.warning(
                "clicks are recorded up to %s, this machine's clock says %s: if one clock was wrong, "
                "those who follow the clicks may miss some until then",
                *(floor.isoformat(timespec="seconds"), now.isoformat(timespec="seconds")),
            )
            floor = now
        self._floor = self.timestamp = max(self.timestamp, floor)
        self._first = min(self._first, self._floor)

    def stamped(self, records: Sequence[Recordable[Any]]) -> Sequence[Recordable[Any]]:
        """Return records that were received before the writer had to start again, with their timestamps moved up to the
        watermark that it started from."""
        floor = self._floor
        return [record if record.received_at >= floor else self._moved_up(record) for record in records]

    def _moved_up(self, record: R) -> R:
        is_late = record.received_at >= self._first or self._floor - record.received_at <= LARGEST_STEP
        return replace(record, received_at=self._floor) if is_late else record

    def _follow_clock(self, now: datetime) -> None:
        if self.timestamp - now > LARGEST_STEP:
            seconds = (self.timestamp - now).total_seconds()
            logger.warning(
                "the clock went back by %.0f seconds: those who follow the clicks may miss some until it is %s again",
                *(seconds, self.timestamp.isoformat(timespec="seconds")),
            )
            self.timestamp = now
            self._floor = min(self._floor, now)
