"""Events summed up into the rows of the rollups that they add to.

Apart from the folder that stores the sums, which has transactions to care about.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias

from db.rollups.dimensions import QUARTER, SPANS, VISIT_DIMENSIONS, Dimension, Level
from db.schema.columns import EPOCH
from db.sql.batch_statements import RowValues

KEY = ("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id")


class Head(Protocol):
    """What an event is, apart from the visit's own values: the rows that it adds to follow from it."""

    @property
    def program_id(self) -> int: ...
    @property
    def partner_id(self) -> int: ...
    @property
    def link_id(self) -> int: ...
    @property
    def quarter(self) -> int:
        """The number of the quarter of an hour, since 1970."""
        ...

    @property
    def keys(self) -> RowValues:
        """The values of the row's key that follow those of `KEY`."""
        ...

    @property
    def amounts(self) -> Sequence[tuple[int, int]]:
        """What it adds to which counters, by their position."""
        ...


class ClickHead(NamedTuple):
    """The `Head` of a click, with the counters of `dimensions.COUNTERS`."""

    program_id: int
    partner_id: int
    link_id: int
    quarter: int
    is_bot: int
    makes_customer: int

    @property
    def keys(self) -> RowValues:
        return ()

    @property
    def amounts(self) -> Sequence[tuple[int, int]]:
        return ((self.is_bot, 1), (2 + self.is_bot, 1)) if self.makes_customer else ((self.is_bot, 1),)


class BookingHead(NamedTuple):
    """The `Head` of a booking; its last fields are what it adds to the counters."""

    program_id: int
    partner_id: int
    link_id: int
    quarter: int
    currency: str
    is_bot: int
    leads: int
    sales: int
    revenue: int
    earnings: int

    @property
    def keys(self) -> RowValues:
        return (self.currency,)

    @property
    def amounts(self) -> Sequence[tuple[int, int]]:
        booked = (self.leads, self.sales, self.revenue, self.earnings)
        return tuple(enumerate(booked, start=len(booked) * self.is_bot))


HeadType: TypeAlias = type[ClickHead] | type[BookingHead]


def subject_of(head: Head, level: Level) -> tuple[int, int]:
    """Return whose events a level counts, and which partner's they are."""
    match level:
        case "program":
            return head.program_id, 0
        case "partner":
            return head.partner_id, head.partner_id
        case "link":
            return head.link_id, head.partner_id


def start_of(quarter: int, span: int) -> datetime:
    """Return when the span of so many seconds begins that a quarter of an hour lies in."""
    return EPOCH + timedelta(seconds=quarter * QUARTER // span * span)


class RollupSums:
    """Sums of events, by the keys of the rollups' rows.

    Events that have everything in common are counted first, which is cheap; only how many there were of each sort is
    then added up for the levels and the spans, three dozen rows for each.
    """

    def __init__(self, head: HeadType, counters: Sequence[str]) -> None:
        self._head = head
        self._counters = counters
        self._heads: dict[RowValues, int] = {}
        self._events: Counter[int] = Counter()
        self._visits: Mapping[Dimension, Counter[tuple[int, str]]] = {name: Counter() for name in VISIT_DIMENSIONS}

    def add(self, events: Sequence[Sequence[int | str]]) -> None:
        """Add events, each given as the fields of its head and its values in the order of `VISIT_DIMENSIONS`."""
        if not events:
            return
        size = len(self._head._fields)
        columns = list(zip(*events, strict=True))
        heads = [self._heads.setdefault(row, len(self._heads)) for row in zip(*columns[:size], strict=True)]
        self._events.update(heads)
        for name, values in zip(VISIT_DIMENSIONS, columns[size:], strict=True):
            self._visits[name].update(zip(heads, values, strict=True))

    def slices(self, size: int) -> Iterator[Sequence[RowValues]]:
        """Yield rows, each a key with counters, so many at a time and always in the same order. One kind after the
        other: to sort all of them in one go would keep the clicks waiting."""
        heads = self._made()
        for level, kept in SPANS.items():
            for dimension, spans in kept.items():
                for span in spans:
                    rows = sorted(self._rows(heads, level, dimension, span))
                    for start in range(0, len(rows), size):
                        yield rows[start : start + size]

    def rows(self, level: Level) -> Iterator[RowValues]:
        """Yield all rows of a level, each a key with counters."""
        heads = self._made()
        for dimension, spans in SPANS[level].items():
            for span in spans:
                yield from self._rows(heads, level, dimension, span)

    def _made(self) -> "_Heads":
        heads: list[Head] = [self._head._make(head) for head in self._heads]
        return _Heads(heads, [head.amounts for head in heads])

    def _rows(self, made: "_Heads", level: Level, dimension: Dimension, span: int) -> Iterator[RowValues]:
        # Numbers are hashed faster than what they stand for: what precedes the value in a row, and what follows it.
        ids: dict[tuple[RowValues, RowValues], int] = {}
        starts = {quarter: start_of(quarter, span) for quarter in {head.quarter for head in made.heads}}
        places = []
        for head in made.heads:
            subject_id, owner_id = subject_of(head, level)
            before = (head.program_id, level, subject_id, dimension, span, starts[head.quarter])
            places.append(ids.setdefault((before, (owner_id, *head.keys)), len(ids)))
        sums: dict[tuple[int, str], list[int]] = {}
        amounts = made.amounts
        for number, value, events in self._values(dimension, made.heads):
            key = (places[number], value)
            if (counts := sums.get(key)) is None:
                counts = sums[key] = [0] * len(self._counters)
            for at, amount in amounts[number]:
                counts[at] += amount * events
        known = list(ids)
        for (number, value), counts in sums.items():
            before, after = known[number]
            yield *before, value, *after, *counts

    def _values(self, dimension: Dimension, heads: Sequence[Head]) -> Iterable[tuple[int, str, int]]:
        """Yield the numbers of heads, each with a value and how many events have both."""
        match dimension:
            case "total":
                return ((number, "", events) for number, events in self._events.items())
            case "link":
                return ((number, str(heads[number].link_id), events) for number, events in self._events.items())
            case "partner":
                return ((number, str(heads[number].partner_id), events) for number, events in self._events.items())
        return ((number, value, events) for (number, value), events in self._visits[dimension].items())


class _Heads(NamedTuple):
    """The heads of events, and the amounts of each."""

    heads: Sequence[Head]
    amounts: Sequence[Sequence[tuple[int, int]]]
