"""Counts clicks and visitors by group, with one number for each click.

Sorted, those of equal groups and customers are neighbours. This is unusual, and here for its speed: NumPy sorts numbers
with the processor's vector instructions. Polars' own count of different values for each group takes three times as
long; `docs/performance.md` has the figures.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from db.segments.columns import IS_BOT, MAKES_CUSTOMER
from db.segments.numbering import is_numbered, values_of

Numbers: TypeAlias = npt.NDArray[np.uint64]
Counts: TypeAlias = npt.NDArray[np.int64]

CUSTOMER, FLAGS = "customer_id", "flags"
FLAG_BITS, NUMBER_BITS = 2, 64
FLAG_MASK = np.uint64(3)
# Rows to sort at once, which takes some hundredths of a second: a question can end between two of them.
BLOCK_ROWS = 4_000_000
# Rows to count at once, for which the processor's cache has space.
CHUNK_ROWS = 65_536
SUM_BITS = 20
# One in so many rows tells where blocks of equal size end.
SAMPLED_ROWS = 1_024


class NotPackable(Exception):
    """A click does not fit into a number, or a dimension has so many values that they are not numbered."""


class _Part(NamedTuple):
    """Clicks of one step, and how many bits each column has in their numbers."""

    numbers: Numbers
    widths: tuple[int, ...]


class _Found(NamedTuple):
    """The groups of a chunk in order: what their clicks' numbers begin with, and their counts."""

    groups: Numbers
    clicks: Counts
    bots: Counts
    made: Counts
    visitors: Counts


class PackedClicks:
    """Clicks, each as one number: its group, its customer, and its flags. `keys` are the columns of its group. Without
    visitors, customers are ignored."""

    def __init__(self, keys: Sequence[str], *, with_visitors: bool) -> None:
        self._keys = keys
        self._with_visitors = with_visitors
        self._types: dict[str, pl.DataType] = {}
        self._parts: list[_Part] = []
        self._widths = (0,) * (len(keys) + 1)
        self.bytes = 0
        """How much the clicks take."""

    def columns(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the columns that `add` takes, given rows with those of the group, the flags and, with visitors, the
        customer. Raises `NotPackable`."""
        schema = rows.collect_schema()
        self._types |= {key: schema[key] for key in self._keys}
        customer = pl.col(CUSTOMER) if self._with_visitors else pl.lit(0, dtype=pl.UInt8)
        flags = pl.col(IS_BOT.name).cast(pl.UInt8) * 2 + pl.col(MAKES_CUSTOMER.name).cast(pl.UInt8)
        return rows.select(
            *(_numbered(key, schema[key]) for key in self._keys),
            customer.alias(CUSTOMER),
            flags.alias(FLAGS),
        )

    def add(self, rows: pl.DataFrame) -> None:
        """Add clicks. Raises `NotPackable`."""
        if not len(rows):
            return
        values = [column.to_numpy() for column in rows]
        found = [int(column.max()).bit_length() for column in values[:-1]]
        self._widths = tuple(map(max, self._widths, found))
        if sum(self._widths) + FLAG_BITS > NUMBER_BITS:
            raise NotPackable
        part = _Part(_packed(values, self._widths), self._widths)
        self._parts.append(part)
        self.bytes += part.numbers.nbytes

    async def counts(self) -> pl.DataFrame:
        """Return the groups, each with its people, bots, customers and visitors. Forgets the clicks."""
        found = [each async for block in self._blocks() for each in await asyncio.to_thread(self._count, block)]
        return await asyncio.to_thread(self._frame, found)

    async def _blocks(self) -> AsyncIterator[Numbers]:
        """Yield all numbers in order, some at a time. A group's clicks of one customer are in one block."""
        parts = [await asyncio.to_thread(_widened, part, self._widths) for part in self._parts]
        self._parts.clear()
        self.bytes = 0
        blocks = -(-sum(map(len, parts)) // BLOCK_ROWS)
        if blocks > 1:
            for part in parts:
                await asyncio.to_thread(part.sort)
        ends = _ends(parts, blocks) if blocks > 1 else []
        for start, end in zip([[0] * len(parts), *ends], [*ends, [len(part) for part in parts]], strict=True):
            pieces = [part[first:last] for part, first, last in zip(parts, start, end, strict=True)]
            if pieces:
                yield await asyncio.to_thread(_sorted, pieces)

    def _count(self, block: Numbers) -> Sequence[_Found]:
        """Count a block's groups, a chunk at a time. A group may go on in the next chunk."""
        customer_bits = np.uint64(self._widths[-1])
        found = []
        for start in range(0, len(block), CHUNK_ROWS):
            chunk = block[start : start + CHUNK_ROWS]
            pairs = chunk >> np.uint64(FLAG_BITS)
            is_new = np.empty(len(chunk), np.bool_)
            is_new[0] = start == 0 or block[start - 1] >> np.uint64(FLAG_BITS) != pairs[0]
            np.not_equal(pairs[1:], pairs[:-1], out=is_new[1:])
            groups = pairs >> customer_bits
            starts = np.concatenate(([0], np.flatnonzero(groups[1:] != groups[:-1]) + 1))
            # One sum of all three takes less than half as long as three.
            marks = (chunk & FLAG_MASK).astype(np.int64)
            marks = (marks >> 1) | ((marks & 1) << SUM_BITS) | (is_new.astype(np.int64) << 2 * SUM_BITS)
            sums = np.add.reduceat(marks, starts)
            added_up = (sums >> bits & (1 << SUM_BITS) - 1 for bits in (0, SUM_BITS, 2 * SUM_BITS))
            found.append(_Found(groups[starts], np.diff(starts, append=len(chunk)), *added_up))
        return found

    def _frame(self, found: Sequence[_Found]) -> pl.DataFrame:
        """Return the groups as columns, those that are in several chunks added up."""
        # Without keys there is one group, even of no clicks.
        groups, clicks, bots, made, visitors = _together(found or [_nothing(0 if self._keys else 1)])
        values = _unpacked(groups, self._widths[:-1])
        keys = [_named(key, self._types[key], numbers) for key, numbers in zip(self._keys, values, strict=True)]
        counts = {"people": clicks - bots, "bots": bots, "customers": made, "visitors": visitors}
        if not self._with_visitors:
            visitors[:] = 0
        return pl.DataFrame([*keys, *(pl.Series(name, column, pl.Int64) for name, column in counts.items())])


def _nothing(groups: int) -> _Found:
    return _Found(np.zeros(groups, np.uint64), *(np.zeros(groups, np.int64) for _ in range(4)))


def _together(found: Sequence[_Found]) -> _Found:
    groups, *counts = (np.concatenate(column) for column in zip(*found, strict=True))
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


def _packed(columns: Sequence[npt.NDArray[np.integer]], widths: Sequence[int]) -> Numbers:
    """Return numbers that have columns with so many bits each one after the other, and then the flags."""
    numbers: Numbers = columns[0].astype(np.uint64)
    for column, width in zip(columns[1:], (*widths[1:], FLAG_BITS), strict=True):
        numbers <<= np.uint64(width)
        numbers |= column.astype(np.uint64, copy=False)
    return numbers


def _unpacked(numbers: Numbers, widths: Sequence[int]) -> Sequence[Numbers]:
    """Return the columns of numbers that have so many bits each."""
    columns: list[Numbers] = []
    for width in reversed(widths):
        columns.append(numbers & np.uint64((1 << width) - 1))
        numbers = numbers >> np.uint64(width)
    return columns[::-1]


def _widened(part: _Part, widths: tuple[int, ...]) -> Numbers:
    """Return a part's numbers with as many bits for each column as the widest part has."""
    if part.widths == widths:
        return part.numbers
    return _packed(_unpacked(part.numbers, (*part.widths, FLAG_BITS)), widths)


def _ends(parts: Sequence[Numbers], blocks: int) -> Sequence[Sequence[int]]:
    """Return where in each of the sorted parts each block but the last one ends."""
    sample = np.sort(np.concatenate([part[::SAMPLED_ROWS] for part in parts]))
    flags = np.uint64(FLAG_BITS)
    limits = (sample[len(sample) * np.arange(1, blocks) // blocks] >> flags) << flags
    found = [np.searchsorted(part, limits) for part in parts]
    return [[int(ends[block]) for ends in found] for block in range(blocks - 1)]


def _sorted(pieces: Sequence[Numbers]) -> Numbers:
    numbers = np.concatenate(pieces)
    numbers.sort()
    return numbers
