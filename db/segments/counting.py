"""Counts the clicks of a question by the values of its dimensions, and the visitors who made them.

Visitors do not add up. They are counted over all clicks at once if these fit into the space that a question has; else
in several passes, each over the clicks of some of the customers: no customer is in two, so that their counts do.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import polars as pl

from db.segments.bit_columns import NUMBER_BYTES
from db.segments.columns import IS_BOT, MAKES_CUSTOMER
from db.segments.grouping import Grouping, GroupSums, QuestionTooLarge, grouped, plain
from db.segments.packed_clicks import CUSTOMER, NotPackable, PackedClicks, TooManyClicks
from db.segments.questions import Chosen
from db.segments.scan import Reduce, Scan

COUNTS = ("people", "bots", "customers", "visitors")
# What is held of the clicks that count, until their visitors are counted: as rows, or as numbers.
HELD_BYTES, PACKED_BYTES = 80 * 1024 * 1024, 80 * 1024 * 1024
PASSES, MOST_PASSES = 4, 256
FLAGS = (IS_BOT.name, MAKES_CUSTOMER.name)
FLAGS_AND_CUSTOMER = (*FLAGS, CUSTOMER)


class _TooMuch(Exception):
    """More than a pass may hold."""


class _Pass(NamedTuple):
    """One of several passes: it counts the clicks of the customers whose ids have a remainder."""

    number: int
    passes: int

    def of(self, clicks: pl.LazyFrame) -> pl.LazyFrame:
        """Return the clicks of its customers."""
        return clicks if self.passes == 1 else clicks.filter(pl.col(CUSTOMER) % self.passes == self.number)


class Counted(NamedTuple):
    """Groups of clicks: the keys, people, bots, customers and, if wanted, visitors, else 0."""

    groups: pl.DataFrame
    clicks: PackedClicks | None
    """All clicks that count, where these are held as numbers. Then groups have their `GROUP`, too."""


_Count: TypeAlias = Callable[["_Question", _Pass], Awaitable[Counted]]


async def counts(clicks: Scan, chosen: Chosen, grouping: Grouping, *, with_visitors: bool) -> Counted:
    """Count each group of clicks that has any. Raises `SegmentDamaged`, `ColumnWidened`, `QuestionTooLarge`."""
    question = _Question(clicks, chosen, grouping)
    try:
        return await (_in_passes(question, _packed) if with_visitors else _packed_sums(question))
    except NotPackable:
        return await (_in_passes(question, _held) if with_visitors else _sums(question))


@dataclass(frozen=True, slots=True)
class _Question:
    clicks: Scan
    chosen: Chosen
    grouping: Grouping

    @property
    def space(self) -> int:
        """How many clicks may be held as numbers."""
        return min(self.clicks.events, PACKED_BYTES // NUMBER_BYTES)

    def steps(
        self, reduce: Reduce, columns: tuple[str, ...]
    ) -> AbstractAsyncContextManager[AsyncGenerator[pl.DataFrame]]:
        """Yield what the clicks that count are reduced to, which have these columns and those for the groups."""
        return aclosing(self.clicks.reduced(self.chosen, {*self.grouping.columns(), *columns}, reduce))

    def rows(self, clicks: pl.LazyFrame, columns: tuple[str, ...]) -> pl.LazyFrame:
        """Return the groups' rows, with their keys and these columns."""
        return self.grouping.rows(clicks, self.chosen, *columns)


async def _in_passes(question: _Question, count: _Count) -> Counted:
    passes = 1
    while True:
        try:
            found = GroupSums(question.grouping.keys)
            for number in range(passes):
                counted = await count(question, _Pass(number, passes))
                await found.add(counted.groups)
            return Counted(await found.all(), counted.clicks if passes == 1 else None)
        except (_TooMuch, TooManyClicks):
            # A single customer may have more clicks than a pass may hold.
            if passes == MOST_PASSES:
                raise QuestionTooLarge from None
            passes *= PASSES


async def _packed(question: _Question, turn: _Pass) -> Counted:
    packed = PackedClicks(question.grouping.keys, question.space, question.clicks.events, with_visitors=True)

    def reduce(clicks: pl.LazyFrame) -> pl.LazyFrame:
        return packed.columns(question.rows(turn.of(clicks), FLAGS_AND_CUSTOMER))

    async with question.steps(reduce, FLAGS_AND_CUSTOMER) as steps:
        async for step in steps:
            await asyncio.to_thread(packed.add, step)
    return Counted(await asyncio.to_thread(packed.counts), packed)


async def _packed_sums(question: _Question) -> Counted:
    packed = PackedClicks(question.grouping.keys, question.space, with_visitors=False)

    def reduce(clicks: pl.LazyFrame) -> pl.LazyFrame:
        return packed.columns(question.rows(clicks, FLAGS))

    found = GroupSums(question.grouping.keys)
    async with question.steps(reduce, FLAGS) as steps:
        async for step in steps:
            try:
                await asyncio.to_thread(packed.add, step)
            except TooManyClicks:
                # A step has fewer clicks than there is space for.
                await found.add(await asyncio.to_thread(packed.counts))
                packed.forget()
                await asyncio.to_thread(packed.add, step)
    await found.add(await asyncio.to_thread(packed.counts))
    return Counted(await found.all(), None)


async def _held(question: _Question, turn: _Pass) -> Counted:
    """Count clicks that are no numbers."""

    def reduce(clicks: pl.LazyFrame) -> pl.LazyFrame:
        return question.rows(turn.of(clicks), FLAGS_AND_CUSTOMER)

    held: list[pl.DataFrame] = []
    async with question.steps(reduce, FLAGS_AND_CUSTOMER) as steps:
        async for step in steps:
            held.append(step)
            if sum(int(each.estimated_size()) for each in held) > HELD_BYTES:
                raise _TooMuch
    rows = pl.concat(held, how="vertical_relaxed")
    return Counted(await asyncio.to_thread(_visitors_of, rows, question.grouping.keys), None)


def _visitors_of(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    visitors = pl.col(CUSTOMER).n_unique().cast(pl.Int64).alias("visitors")
    return plain(grouped(rows.lazy(), keys, [*_click_counts(), visitors])).collect()


async def _sums(question: _Question) -> Counted:
    """Add up clicks that are no numbers."""
    keys = question.grouping.keys
    none = pl.lit(0, dtype=pl.Int64).alias("visitors")

    def reduce(clicks: pl.LazyFrame) -> pl.LazyFrame:
        return plain(grouped(question.rows(clicks, FLAGS), keys, [*_click_counts(), none]))

    found = GroupSums(keys)
    async with question.steps(reduce, FLAGS) as steps:
        async for step in steps:
            await found.add(step)
    return Counted(await found.all(), None)


def _click_counts() -> list[pl.Expr]:
    is_bot = pl.col(IS_BOT.name)
    return [
        (~is_bot).sum().cast(pl.Int64).alias("people"),
        is_bot.sum().cast(pl.Int64).alias("bots"),
        pl.col(MAKES_CUSTOMER.name).sum().cast(pl.Int64).alias("customers"),
    ]
