"""Events summed up into the rows of the rollups that they add to.

Apart from the folder that stores the sums, which has transactions to care about.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from db.rollups.dimensions import COUNTERS, QUARTER, SPANS, VISIT_DIMENSIONS, Dimension, Level
from db.schema.columns import EPOCH
from db.sql.batch_statements import RowValues

KEY = ("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id")


class Head(NamedTuple):
    """What an event is, apart from the visit's own values: the rows that it adds to follow from it."""

    program_id: int
    partner_id: int
    link_id: int
    quarter: int
    """The number of the quarter of an hour, since 1970."""
    is_bot: int
    makes_customer: int

    def subject(self, level: Level) -> tuple[int, int]:
        """Return whose clicks a level counts, and which partner's they are."""
        match level:
            case "program":
                return self.program_id, 0
            case "partner":
                return self.partner_id, self.partner_id
            case "link":
                return self.link_id, self.partner_id

    def start(self, span: int) -> datetime:
        """Return when the span of so many seconds begins that the event lies in."""
        return EPOCH + timedelta(seconds=self.quarter * QUARTER // span * span)


class RollupSums:
    """Sums of events, by the keys of the rollups' rows.

    Events that have everything in common are counted first, which is cheap; only how many there were of each sort is
    then added up for the levels and the spans, three dozen rows for each.
    """

    def __init__(self) -> None:
        self._heads: dict[RowValues, int] = {}
        self._clicks: Counter[int] = Counter()
        self._visits: Mapping[Dimension, Counter[tuple[int, str]]] = {name: Counter() for name in VISIT_DIMENSIONS}

    def add(self, events: Sequence[Sequence[int | str]]) -> None:
        """Add events, each given as a `Head` and its values in the order of `VISIT_DIMENSIONS`."""
        if not events:
            return
        size = len(Head._fields)
        columns = list(zip(*events, strict=True))
        heads = [self._heads.setdefault(row, len(self._heads)) for row in zip(*columns[:size], strict=True)]
        self._clicks.update(heads)
        for name, values in zip(VISIT_DIMENSIONS, columns[size:], strict=True):
            self._visits[name].update(zip(heads, values, strict=True))

    def slices(self, size: int) -> Iterator[Sequence[RowValues]]:
        """Yield rows, each `KEY` with `COUNTERS`, so many at a time and always in the same order. One kind after the
        other: to sort all of them in one go would keep the clicks waiting."""
        for level, kept in SPANS.items():
            for dimension, spans in kept.items():
                for span in spans:
                    rows = sorted(self._rows(level, dimension, span))
                    for start in range(0, len(rows), size):
                        yield rows[start : start + size]

    def rows(self, level: Level) -> Iterator[RowValues]:
        """Yield all rows of a level, each `KEY` with `COUNTERS`."""
        for dimension, spans in SPANS[level].items():
            for span in spans:
                yield from self._rows(level, dimension, span)

    def _rows(self, level: Level, dimension: Dimension, span: int) -> Iterator[RowValues]:
        sums: dict[tuple[int, int, datetime, str, int], list[int]] = {}
        heads = [Head._make(head) for head in self._heads]
        keys = [(head.program_id, *head.subject(level), head.start(span)) for head in heads]
        for number, value, clicks in self._values(dimension, heads):
            program_id, subject_id, owner_id, bucket_at = keys[number]
            key = (program_id, subject_id, bucket_at, value, owner_id)
            if (counts := sums.get(key)) is None:
                counts = sums[key] = [0] * len(COUNTERS)
            head = heads[number]
            counts[head.is_bot] += clicks
            if head.makes_customer:
                counts[2 + head.is_bot] += clicks
        for (program_id, subject_id, bucket_at, value, owner_id), counts in sums.items():
            yield program_id, level, subject_id, dimension, span, bucket_at, value, owner_id, *counts

    def _values(self, dimension: Dimension, heads: Sequence[Head]) -> Iterable[tuple[int, str, int]]:
        """Yield the numbers of heads, each with a value and how many events have both."""
        match dimension:
            case "total":
                return ((number, "", clicks) for number, clicks in self._clicks.items())
            case "link":
                return ((number, str(heads[number].link_id), clicks) for number, clicks in self._clicks.items())
            case "partner":
                return ((number, str(heads[number].partner_id), clicks) for number, clicks in self._clicks.items())
        return ((number, value, clicks) for (number, value), clicks in self._visits[dimension].items())
