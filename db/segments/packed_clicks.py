"""Counts clicks and visitors by group, with one number for each click.

Sorted, those of equal groups and customers are neighbours. This is unusual, and here for its speed: NumPy sorts numbers
with the processor's vector instructions. Polars' own count of different values for each group takes three times as
long; `docs/performance.md` has the figures.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import polars as pl

from db.segments.bit_columns import FLAG_BITS, NUMBER_BITS, Numbers, Widths, pack, repack, unpacked
from db.segments.columns import IS_BOT, MAKES_CUSTOMER
from db.segments.grouping import MOST_GROUPS, QuestionTooLarge
from db.segments.numbering import is_numbered, values_of
from db.segments.sorted_numbers import (
    GroupCounts,
    Tally,
    counts_by_chunk,
    counts_in,
    nothing,
    together,
    visitors_without,
)
from db.segments.spilled_numbers import SpilledNumbers

logger = logging.getLogger(__name__)

CUSTOMER, FLAGS = "customer_id", "flags"
GROUP = "group"
# Ids grow from one step to the next: they get a multiple of so many bits.
ID_BITS = 4
# Clicks without customers whose numbers have no more bits are counted by their number, without sorting.
TALLIED_BITS = 20
# Of clicks in a file. With more, a part might not fit into memory.
MOST_PARTS = 256


class NotPackable(Exception):
    """A click does not fit into a number, or a dimension has so many values that they are not numbered."""


class TooManyClicks(Exception):
    """There is no space for more clicks."""


class PackedClicks:
    """Clicks, each as one number: its group, its customer, and its flags. `keys` are the columns of its group. Without
    visitors, customers are ignored. There is space for so many clicks in memory; what is not used takes none. Of `most`
    clicks with visitors, those for which there is no space go to a temporary file."""

    def __init__(self, keys: Sequence[str], space: int, most: int = 0, *, with_visitors: bool) -> None:
        self._keys = keys
        self._with_visitors = with_visitors
        self._types: dict[str, pl.DataType] = {}
        self._numbers = np.empty(space, np.uint64)
        self._size = 0
        self._widths: Widths = (0,) * (len(keys) + 1)
        self._tallies: list[Tally] = []
        # A power of two. Customers are not quite evenly spread over the parts.
        self._parts = min(MOST_PARTS, 1 << (most * 5 // (max(space, 1) * 4)).bit_length())
        self._spilled: SpilledNumbers | None = None
        self._is_sorted = False

    def columns(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the columns that `add` takes, given rows with those of the group, the flags and, with visitors, the
        customer. Raises `NotPackable`."""
        schema = rows.collect_schema()
        self._types |= {key: schema[key] for key in self._keys}
        customer = pl.col(CUSTOMER) if self._with_visitors else pl.lit(0, dtype=pl.UInt8)
        flags = pl.col(IS_BOT.name).cast(pl.UInt8) * 2 + pl.col(MAKES_CUSTOMER.name).cast(pl.UInt8)
        return rows.select(
            *(_numbered(key, schema[key]) for key in self._keys), customer.alias(CUSTOMER), flags.alias(FLAGS)
        )

    def add(self, rows: pl.DataFrame) -> None:
        """Add clicks. Raises `NotPackable`, `TooManyClicks`."""
        if not len(rows):
            return
        if self._size + len(rows) > len(self._numbers):
            self._make_space(len(rows))
        self._is_sorted = False
        *values, flags = (column.to_numpy() for column in rows)
        self._widen([self._bits(*each) for each in zip(rows.columns, values, strict=False)])
        packed = self._numbers[self._size : self._size + len(rows)]
        pack((*values, flags), self._widths, packed)
        if self._with_visitors or sum(self._widths) + FLAG_BITS > TALLIED_BITS:
            self._size += len(rows)
        else:
            tally = np.bincount(packed.astype(np.int64))
            found = np.flatnonzero(tally)
            self._tallies.append(Tally(found.astype(np.uint64), tally[found]))

    def _make_space(self, rows: int) -> None:
        """Make space for so many clicks in memory. Raises `TooManyClicks`."""
        if not self._with_visitors or rows > len(self._numbers):
            raise TooManyClicks
        self.spill()

    def spill(self) -> None:
        """Put the clicks that are in memory into the file. Raises `TooManyClicks` if it cannot be used."""
        with _file_faults():
            self._spilled = self._spilled or SpilledNumbers(self._parts)
            self._spilled.add(self._numbers[: self._size], FLAG_BITS, self._widths[-1], self._widths)
        self._size = 0

    def _bits(self, column: str, values: npt.NDArray[np.integer]) -> int:
        """Return how many bits a column takes."""
        if column in self._types and is_numbered(column, self._types[column]):
            return (len(values_of(column)) + 1).bit_length()
        return -(-int(values.max()).bit_length() // ID_BITS) * ID_BITS

    def _widen(self, widths: Sequence[int]) -> None:
        """Make space for columns of so many bits in the numbers. Raises `NotPackable`."""
        wider = tuple(map(max, self._widths, widths))
        if sum(wider) + FLAG_BITS > NUMBER_BITS:
            raise NotPackable
        if wider != self._widths:
            for numbers in (self._numbers[: self._size], *(tally.numbers for tally in self._tallies)):
                repack(numbers, self._widths, wider)
        self._widths = wider

    def _sorted(self) -> Iterator[Numbers]:
        """Yield the numbers of all clicks in order; those in a file by part, each of which has all clicks of its
        customers. Raises `TooManyClicks`."""
        if self._spilled is None:
            numbers = self._numbers[: self._size]
            if not self._is_sorted:
                numbers.sort()
                self._is_sorted = True
            yield numbers
            return
        if self._size:
            self.spill()
        for part in range(self._spilled.parts):
            size = self._spilled.size(part)
            if size > len(self._numbers):
                raise TooManyClicks
            with _file_faults():
                for numbers, widths in self._spilled.read(part, self._numbers):
                    repack(numbers, widths, self._widths)
            numbers = self._numbers[:size]
            numbers.sort()
            yield numbers

    def counts(self) -> pl.DataFrame:
        """Return the groups, each with its people, bots, customers and visitors, and with its number as `GROUP`. Takes
        three hundredths of a second for a million clicks. Raises `TooManyClicks`, `QuestionTooLarge`."""
        groups, clicks, bots, made, visitors = self._counted()
        if not self._with_visitors:
            visitors[:] = 0
        values = unpacked(groups, self._widths[:-1])
        keys = [_named(key, self._types[key], numbers) for key, numbers in zip(self._keys, values, strict=True)]
        counts = {"people": clicks - bots, "bots": bots, "customers": made, "visitors": visitors}
        columns = (pl.Series(name, column, pl.Int64) for name, column in counts.items())
        return pl.DataFrame([*keys, *columns, pl.Series(GROUP, groups)])

    def forget(self) -> None:
        """Forget the clicks."""
        self._size = 0
        self._tallies.clear()

    def visitors_without(self, groups: Iterable[int]) -> int:
        """Return how many visitors the other groups have together, once `counts` were made."""
        without = sorted(groups)
        return sum(visitors_without(numbers, without, self._widths[-1]) for numbers in self._sorted())

    def _counted(self) -> GroupCounts:
        """Count the groups of the sorted numbers. Without keys there is one, even of no clicks."""
        customer_bits = np.uint64(self._widths[-1])
        found = together([counts_in(tally, customer_bits) for tally in self._tallies])
        for numbers in self._sorted():
            found = together([found, *counts_by_chunk(numbers, customer_bits)])
            if len(found.groups) > MOST_GROUPS:
                raise QuestionTooLarge
        return found if len(found.groups) or self._keys else nothing(1)


@contextmanager
def _file_faults() -> Iterator[None]:
    """Turn faults of the temporary file, which are no outage of the database, into `TooManyClicks`."""
    try:
        yield
    except OSError as error:
        logger.warning("a report reads all clicks several times, as a temporary file cannot be used: %s", error)
        raise TooManyClicks from None


def _numbered(key: str, type: pl.DataType) -> pl.Expr:
    """Return the numbers for a column's values: 0 for what is not known. Raises `NotPackable` for texts."""
    if type == pl.String:
        raise NotPackable
    return (pl.col(key).cast(pl.UInt32 if is_numbered(key, type) else pl.UInt64) + 1).fill_null(0)


def _named(key: str, type: pl.DataType, numbers: Numbers) -> pl.Series:
    """Return the values that `_numbered` has made numbers of."""
    is_known = pl.Series(numbers != 0)
    at = pl.Series(key, numbers.astype(np.int64) - 1).to_frame().select(pl.when(is_known).then(key))[key]
    return values_of(key).gather(at).alias(key) if is_numbered(key, type) else at
