"""Events summed up into the rows of the rollups that they add to.

Apart from the folder that stores the sums, which has transactions to care about.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from db.dimensions import COUNTERS, DAY, HOUR, QUARTER, SPANS, Dimension, Level
from db.statements import Row

DIMENSIONS: tuple[Dimension, ...] = tuple(SPANS["program"])
KEY = ("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id")


@dataclass(slots=True)
class _Kind:
    """Sums of one level, dimension and span, by: program, subject, start, value, partner."""

    dimension: Dimension
    value_at: int
    span: int
    sums: dict[tuple[int, int, datetime, str, int], list[int]] = field(default_factory=dict)


class Cells:
    """Sums of events, by the keys of the rollups' rows."""

    def __init__(self) -> None:
        self._kinds: dict[Level, Sequence[_Kind]] = {
            level: [
                _Kind(dimension, DIMENSIONS.index(dimension), span)
                for dimension, spans in kept.items()
                for span in spans
            ]
            for level, kept in SPANS.items()
        }
        self._starts: dict[datetime, dict[int, datetime]] = {}

    def add(self, events: Iterable[Row]) -> None:
        """Add events, each given as: program, partner, link, the start of its quarter of an hour, whether a bot
        clicked, whether a customer was created, and its values in the order of `DIMENSIONS`."""
        for program_id, partner_id, link_id, quarter_at, is_bot, makes_customer, *values in events:
            starts = self._starts.get(quarter_at) or self._learn(quarter_at)
            subjects: tuple[tuple[Level, int, int], ...] = (
                ("program", program_id, 0),
                ("partner", partner_id, partner_id),
                ("link", link_id, partner_id),
            )
            for level, subject_id, owner_id in subjects:
                for kind in self._kinds[level]:
                    key = (program_id, subject_id, starts[kind.span], values[kind.value_at], owner_id)
                    if (counts := kind.sums.get(key)) is None:
                        counts = kind.sums[key] = [0] * len(COUNTERS)
                    counts[is_bot] += 1
                    if makes_customer:
                        counts[2 + is_bot] += 1

    def slices(self, size: int) -> Iterator[Sequence[Row]]:
        """Yield rows, each `KEY` with `COUNTERS`, so many at a time and always in the same order. One kind after the
        other: to sort all of them in one go would keep the clicks waiting."""
        for level, kinds in self._kinds.items():
            for kind in kinds:
                sums = sorted(kind.sums.items())
                for start in range(0, len(sums), size):
                    yield [
                        (program_id, level, subject_id, kind.dimension, kind.span, bucket_at, value, owner_id, *counts)
                        for (program_id, subject_id, bucket_at, value, owner_id), counts in sums[start : start + size]
                    ]

    def _learn(self, quarter_at: datetime) -> dict[int, datetime]:
        hour_at = quarter_at.replace(minute=0)
        starts = self._starts[quarter_at] = {QUARTER: quarter_at, HOUR: hour_at, DAY: hour_at.replace(hour=0)}
        return starts
