"""Events summed up into the rows of the rollups that they add to.

Apart from the folder that stores the sums, which has transactions to care about.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from db.dimensions import COUNTERS, DAY, HOUR, QUARTER, SPANS, Dimension, Level
from db.statements import Row

DIMENSIONS: tuple[Dimension, ...] = tuple(SPANS["program"])
KEY = ("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id")


class Head(NamedTuple):
    """What an event is, apart from the visit's own values: the rows that it adds to follow from it."""

    program_id: int
    partner_id: int
    link_id: int
    quarter_at: datetime
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


class Cells:
    """Sums of events, by the keys of the rollups' rows.

    Events that have everything in common are counted first, which is cheap; only how many there were of each sort is
    then added up for the levels and the spans, three dozen rows for each.
    """

    def __init__(self) -> None:
        self._heads: dict[Row, int] = {}
        self._counts: Mapping[Dimension, Counter[tuple[int, str]]] = {name: Counter() for name in DIMENSIONS}

    def add(self, events: Sequence[Row]) -> None:
        """Add events, each given as a `Head` and its values in the order of `DIMENSIONS`."""
        if not events:
            return
        size = len(Head._fields)
        columns = list(zip(*events, strict=True))
        heads = [self._heads.setdefault(row, len(self._heads)) for row in zip(*columns[:size], strict=True)]
        for name, values in zip(DIMENSIONS, columns[size:], strict=True):
            self._counts[name].update(zip(heads, values, strict=True))

    def slices(self, size: int) -> Iterator[Sequence[Row]]:
        """Yield rows, each `KEY` with `COUNTERS`, so many at a time and always in the same order. One kind after the
        other: to sort all of them in one go would keep the clicks waiting."""
        for level, kept in SPANS.items():
            for dimension, spans in kept.items():
                for span in spans:
                    rows = sorted(self._rows(level, dimension, span))
                    for start in range(0, len(rows), size):
                        yield rows[start : start + size]

    def _rows(self, level: Level, dimension: Dimension, span: int) -> Iterator[Row]:
        sums: dict[tuple[int, int, datetime, str, int], list[int]] = {}
        heads = [
            (head.program_id, *head.subject(level), _start(head.quarter_at, span), head.is_bot, head.makes_customer)
            for head in map(Head._make, self._heads)
        ]
        for (number, value), clicks in self._counts[dimension].items():
            program_id, subject_id, owner_id, bucket_at, is_bot, makes_customer = heads[number]
            key = (program_id, subject_id, bucket_at, value, owner_id)
            if (counts := sums.get(key)) is None:
                counts = sums[key] = [0] * len(COUNTERS)
            counts[is_bot] += clicks
            if makes_customer:
                counts[2 + is_bot] += clicks
        for (program_id, subject_id, bucket_at, value, owner_id), counts in sums.items():
            yield program_id, level, subject_id, dimension, span, bucket_at, value, owner_id, *counts


def _start(quarter_at: datetime, span: int) -> datetime:
    """Return when the span begins that a quarter of an hour lies in."""
    match span:
        case _ if span == QUARTER:
            return quarter_at
        case _ if span == HOUR:
            return quarter_at.replace(minute=0)
        case _ if span == DAY:
            return quarter_at.replace(hour=0, minute=0)
    raise ValueError(span)
