"""Counts clicks and visitors by group, with one number for each click.

Sorted, those of equal groups and customers are neighbours. This is unusual, and here for its speed: NumPy sorts numbers
with the processor's vector instructions. Polars' own count of different values for each group takes three times as
long; `docs/performance.md` has the figures.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from db.segments.columns import IS_BOT, MAKES_CUSTOMER
from db.segments.numbering import is_numbered, values_of

Numbers: TypeAlias = npt.NDArray[np.uint64]
Counts: TypeAlias = npt.NDArray[np.int64]

CUSTOMER, FLAGS = "customer_id", "flags"
GROUP = "group"
FLAG_BITS, NUMBER_BITS, NUMBER_BYTES = 2, 64, 8
FLAG_MASK = np.uint64(3)
# Rows to count at once, for which the processor's cache has space. Their sums take fewer bits than this.
CHUNK_ROWS = 65_536
SUM_BITS = 20
# Ids grow from one step to the next: they get a multiple of so many bits.
ID_BITS = 4
# Clicks without customers whose numbers have no more bits are counted by their number, without sorting.
TALLIED_BITS = 20


class NotPackable(Exception):
    """A click does not fit into a number, or a dimension has so many values that they are not numbered."""


class TooManyClicks(Exception):
    """There is no space for more clicks."""


class _Found(NamedTuple):
    """The groups of a chunk in order: what their clicks' numbers begin with, and their counts."""

    groups: Numbers
    clicks: Counts
    bots: Counts
    made: Counts
    visitors: Counts


class _Tally(NamedTuple):
    """How many clicks have which number."""

    numbers: Numbers
    clicks: Counts


class PackedClicks:
    """Clicks, each as one number: its group, its customer, and its flags. `keys` are the columns of its group. Without
    visitors, customers are ignored. There is space for so many clicks; what is not used takes no memory."""

    def __init__(self, keys: Sequence[str], space: int, *, with_visitors: bool) -> None:
        self._keys = keys
        self._with_visitors = with_visitors
        self._types: dict[str, pl.DataType] = {}
        self._numbers = np.empty(space, np.uint64)
        self._size = 0
        self._widths = (0,) * (len(keys) + 1)
        self._tallies: list[_Tally] = []

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
            raise TooManyClicks
        *values, flags = (column.to_numpy() for column in rows)
        self._widen([self._bits(*each) for each in zip(rows.columns, values, strict=False)])
        packed = self._numbers[self._size : self._size + len(rows)]
        _pack((*values, flags), self._widths, packed)
        if self._with_visitors or sum(self._widths) + FLAG_BITS > TALLIED_BITS:
            self._size += len(rows)
        else:
            tally = np.bincount(packed.astype(np.int64))
            found = np.flatnonzero(tally)
            self._tallies.append(_Tally(found.astype(np.uint64), tally[found]))

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
            for numbers in (*self._chunks(), *(tally.numbers for tally in self._tallies)):
                _pack(_unpacked(numbers, (*self._widths, FLAG_BITS)), wider, numbers)
        self._widths = wider

    def _chunks(self) -> Iterator[Numbers]:
        for start in range(0, self._size, CHUNK_ROWS):
            yield self._numbers[start : min(start + CHUNK_ROWS, self._size)]

    def counts(self) -> pl.DataFrame:
        """Return the groups, each with its people, bots, customers and visitors, and with its number as `GROUP`. Takes
        three hundredths of a second for a million clicks."""
        self._numbers[: self._size].sort()
        groups, clicks, bots, made, visitors = self._counted()
        if not self._with_visitors:
            visitors[:] = 0
        values = _unpacked(groups, self._widths[:-1])
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
        customer_bits = self._widths[-1]
        bits, rest, start = FLAG_BITS + customer_bits, [], 0
        numbers = self._numbers[: self._size]
        for group in sorted(groups):
            first, end = np.uint64(group << bits), np.uint64((group + 1 << bits) - 1)
            rest.append(numbers[start : int(np.searchsorted(numbers, first))])
            start = int(np.searchsorted(numbers, end, side="right"))
        rest.append(numbers[start:])
        mask = np.uint64((1 << customer_bits) - 1)
        fits = np.uint32 if customer_bits <= np.iinfo(np.uint32).bits else np.uint64
        customers = np.concatenate([(part >> np.uint64(FLAG_BITS) & mask).astype(fits) for part in rest])
        customers.sort()
        return int(np.count_nonzero(customers[1:] != customers[:-1])) + bool(len(customers))

    def _counted(self) -> _Found:
        """Count the groups of the sorted numbers. Without keys there is one, even of no clicks."""
        found = []
        last: np.uint64 | None = None
        for chunk in self._chunks():
            found.append(_counts_of(chunk, last, np.uint64(self._widths[-1])))
            last = chunk[-1]
        found += [_counts_in(tally, np.uint64(self._widths[-1])) for tally in self._tallies]
        return _together(found or [_nothing(0 if self._keys else 1)])


def _counts_of(chunk: Numbers, last: np.uint64 | None, customer_bits: np.uint64) -> _Found:
    """Count the groups of sorted numbers that follow a last one."""
    flag_bits = np.uint64(FLAG_BITS)
    pairs = chunk >> flag_bits
    is_new = np.empty(len(chunk), np.bool_)
    is_new[0] = last is None or last >> flag_bits != pairs[0]
    np.not_equal(pairs[1:], pairs[:-1], out=is_new[1:])
    groups = pairs >> customer_bits
    starts = np.concatenate(([0], np.flatnonzero(groups[1:] != groups[:-1]) + 1))
    # One sum of all three takes less than half as long as three.
    marks = (chunk & FLAG_MASK).astype(np.int64)
    marks = (marks >> 1) | ((marks & 1) << SUM_BITS) | (is_new.astype(np.int64) << 2 * SUM_BITS)
    sums = np.add.reduceat(marks, starts)
    added_up = (sums >> bits & (1 << SUM_BITS) - 1 for bits in (0, SUM_BITS, 2 * SUM_BITS))
    return _Found(groups[starts], np.diff(starts, append=len(chunk)), *added_up)


def _counts_in(tally: _Tally, customer_bits: np.uint64) -> _Found:
    numbers, clicks = tally
    groups = numbers >> (customer_bits + np.uint64(FLAG_BITS))
    starts = np.concatenate(([0], np.flatnonzero(groups[1:] != groups[:-1]) + 1))
    marks = (numbers & FLAG_MASK).astype(np.int64)
    bots, made = clicks * (marks >> 1), clicks * (marks & 1)
    return _Found(groups[starts], *(np.add.reduceat(each, starts) for each in (clicks, bots, made, clicks)))


def _nothing(groups: int) -> _Found:
    return _Found(np.zeros(groups, np.uint64), *(np.zeros(groups, np.int64) for _ in range(4)))


def _together(found: Sequence[_Found]) -> _Found:
    """Add up the groups that are in several chunks or tallies."""
    groups, *counts = (np.concatenate(column) for column in zip(*found, strict=True))
    if (groups[1:] < groups[:-1]).any():
        order = np.argsort(groups)
        groups, counts = groups[order], [column[order] for column in counts]
    starts = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1]))[: len(groups)])
    return _Found(groups[starts], *(np.add.reduceat(column, starts) if len(starts) else column for column in counts))


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


def _pack(columns: Sequence[npt.NDArray[np.integer]], widths: Sequence[int], numbers: Numbers) -> None:
    """Fill numbers with columns that have so many bits each, the last of which are the flags."""
    numbers[:] = columns[0]
    for column, width in zip(columns[1:], (*widths[1:], FLAG_BITS), strict=True):
        numbers <<= np.uint64(width)
        numbers |= column.astype(np.uint64, copy=False)


def _unpacked(numbers: Numbers, widths: Sequence[int]) -> Sequence[Numbers]:
    """Return the columns of numbers that have so many bits each."""
    columns: list[Numbers] = []
    for width in reversed(widths):
        columns.append(numbers & np.uint64((1 << width) - 1))
        numbers = numbers >> np.uint64(width)
    return columns[::-1]
