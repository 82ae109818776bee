"""Events summed up into the rows of the rollups that they add to.

Apart from the folder that stores the sums, which has transactions to care about.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple, Protocol, TypeAlias

from db.rollups.sums import LEVELS, QUARTER, SPANS, Level
from db.schema.columns import EPOCH
from db.sql.batch_statements import RowValues

KEY = ("program_id", "level", "subject_id", "span_seconds", "bucket_at", "partner_id")


class Head(Protocol):
    """What an event is: the rows that it adds to follow from it."""

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
    """The `Head` of a click, with the counters of `sums.COUNTERS`."""

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
    then added up for the levels and the spans, nine rows for each.
    """

    def __init__(self, head: HeadType, counters: Sequence[str]) -> None:
        self._head = head
        self._counters = counters
        self._events: Counter[RowValues] = Counter()

    def add(self, events: Sequence[Sequence[int | str]]) -> None:
        """Add events, each given as the fields of its head."""
        self._events.update(map(tuple, events))

    def add_counted(self, events: Sequence[Sequence[int | str]]) -> None:
        """Add events that the database has counted: the fields of a head, and how many there are of it."""
        for *head, number in events:
            self._events[tuple(head)] += int(number)

    def slices(self, size: int) -> Iterator[Sequence[RowValues]]:
        """Yield rows, each a key with counters, so many at a time and always in the same order. One kind after the
        other: to sort all of them in one go would keep the clicks waiting."""
        sorts = self._made()
        for level, span in product(LEVELS, SPANS):
            rows = sorted(self._rows(sorts, level, span))
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    def rows(self, level: Level) -> Iterator[RowValues]:
        """Yield all rows of a level, each a key with counters."""
        sorts = self._made()
        for span in SPANS:
            yield from self._rows(sorts, level, span)

    def _made(self) -> Sequence["_Sort"]:
        heads: Iterator[Head] = map(self._head._make, self._events)
        return [_Sort(head, head.amounts, events) for head, events in zip(heads, self._events.values(), strict=True)]

    def _rows(self, sorts: Sequence["_Sort"], level: Level, span: int) -> Iterator[RowValues]:
        starts = {quarter: start_of(quarter, span) for quarter in {head.quarter for head, _, _ in sorts}}
        sums: dict[RowValues, list[int]] = {}
        for head, amounts, events in sorts:
            subject_id, owner_id = subject_of(head, level)
            key = (head.program_id, level, subject_id, span, starts[head.quarter], owner_id, *head.keys)
            if (counts := sums.get(key)) is None:
                counts = sums[key] = [0] * len(self._counters)
            for at, amount in amounts:
                counts[at] += amount * events
        for key, counts in sums.items():
            yield *key, *counts


class _Sort(NamedTuple):
    """Events that have everything in common: their head, what each adds to which counters, and how many there are."""

    head: Head
    amounts: Sequence[tuple[int, int]]
    events: int
