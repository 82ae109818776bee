"""Counts the groups of sorted numbers: each is a click's group, its customer and its flags, so that the clicks of equal
groups and customers are neighbours."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from db.segments.bit_columns import FLAG_BITS, Numbers, chunks
from db.segments.grouping import MOST_GROUPS, QuestionTooLarge

Counts: TypeAlias = npt.NDArray[np.int64]

FLAG_MASK = np.uint64(3)
# Sums of a chunk take fewer bits than this.
SUM_BITS = 20


class GroupCounts(NamedTuple):
    """The groups of a chunk in order: what their clicks' numbers begin with, and their counts."""

    groups: Numbers
    clicks: Counts
    bots: Counts
    made: Counts
    visitors: Counts


class Tally(NamedTuple):
    """How many clicks have which number."""

    numbers: Numbers
    clicks: Counts


def counts_by_chunk(numbers: Numbers, customer_bits: np.uint64) -> Iterator[GroupCounts]:
    """Count the groups of sorted numbers. Raises `QuestionTooLarge`."""
    last: np.uint64 | None = None
    groups = 0
    for chunk in chunks(numbers):
        found = _counts_of(chunk, last, customer_bits)
        # A group may begin in one chunk and end in the next.
        groups += len(found.groups) - (last is not None)
        if groups > MOST_GROUPS:
            raise QuestionTooLarge
        yield found
        last = chunk[-1]


def visitors_without(numbers: Numbers, groups: Sequence[int], customer_bits: int) -> int:
    """Return how many customers the sorted numbers of other groups have together."""
    bits, rest, start = FLAG_BITS + customer_bits, [], 0
    for group in groups:
        first, end = np.uint64(group << bits), np.uint64((group + 1 << bits) - 1)
        rest.append(numbers[start : int(np.searchsorted(numbers, first))])
        start = int(np.searchsorted(numbers, end, side="right"))
    rest.append(numbers[start:])
    mask = np.uint64((1 << customer_bits) - 1)
    fits = np.uint32 if customer_bits <= np.iinfo(np.uint32).bits else np.uint64
    customers = np.empty(sum(map(len, rest)), fits)
    at = 0
    for chunk in chain.from_iterable(map(chunks, rest)):
        customers[at : at + len(chunk)] = chunk >> np.uint64(FLAG_BITS) & mask
        at += len(chunk)
    customers.sort()
    return int(np.count_nonzero(customers[1:] != customers[:-1])) + bool(len(customers))


def _counts_of(chunk: Numbers, last: np.uint64 | None, customer_bits: np.uint64) -> GroupCounts:
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
    return GroupCounts(groups[starts], np.diff(starts, append=len(chunk)), *added_up)


def counts_in(tally: Tally, customer_bits: np.uint64) -> GroupCounts:
    numbers, clicks = tally
    groups = numbers >> (customer_bits + np.uint64(FLAG_BITS))
    starts = np.concatenate(([0], np.flatnonzero(groups[1:] != groups[:-1]) + 1))
    marks = (numbers & FLAG_MASK).astype(np.int64)
    bots, made = clicks * (marks >> 1), clicks * (marks & 1)
    return GroupCounts(groups[starts], *(np.add.reduceat(each, starts) for each in (clicks, bots, made, clicks)))


def nothing(groups: int) -> GroupCounts:
    return GroupCounts(np.zeros(groups, np.uint64), *(np.zeros(groups, np.int64) for _ in range(4)))


def together(found: Sequence[GroupCounts]) -> GroupCounts:
    """Add up the groups that are in several chunks, parts or tallies."""
    if not found:
        return nothing(0)
    groups, *counts = (np.concatenate(column) for column in zip(*found, strict=True))
    if (groups[1:] < groups[:-1]).any():
        order = np.argsort(groups)
        groups, counts = groups[order], [column[order] for column in counts]
    starts = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1]))[: len(groups)])
    return GroupCounts(
        groups[starts], *(np.add.reduceat(column, starts) if len(starts) else column for column in counts)
    )
