"""Adds up the events of a question by the values of its dimensions.

Visitors do not add up. They are counted over all events at once if these fit into the space that a question has; else
in several passes, each over the events of some of the customers: no customer is in two, so that their counts do.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import polars as pl
from polars import selectors

from db.rollups.dimensions import BOOKED
from db.segments.columns import CURRENCY, IS_BOT, MAKES_CUSTOMER, TIME
from db.segments.conditions import column_of, value_of
from db.segments.questions import Chosen
from db.segments.scan import Scan

CUSTOMER = "customer_id"
BUCKET = "bucket"
# What is held of the events that count, until their visitors are counted.
HELD_BYTES = 96 * 1024 * 1024
PASSES, MOST_PASSES = 4, 256
# With their texts and counts, some two hundred megabytes.
MOST_GROUPS = 500_000
COUNTS = ("people", "bots", "customers", "visitors")


class QuestionTooLarge(Exception):
    """A question would need more memory than it may."""


class _TooMuch(Exception):
    """More than a pass may hold."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Events by the values of dimensions and, with edges, by bucket; or all of them together. If `only` is given, a
    frame with the dimensions' columns, other groups do not count."""

    by: tuple[str, ...]
    edges: tuple[int, ...] = ()
    only: pl.DataFrame | None = None
    is_together: bool = False

    @property
    def keys(self) -> list[str]:
        """The columns of the result that tell groups apart."""
        return [] if self.is_together else [*self.by, *([BUCKET] if self.edges else [])]

    def columns(self) -> set[str]:
        """Return the columns that the events must have."""
        return {*map(column_of, self.by), *([TIME.name] if self.edges else [])}

    def rows(self, events: pl.LazyFrame, chosen: Chosen, *columns: str) -> pl.LazyFrame:
        """Return the rows of the groups, with their keys and other columns."""
        keys = [value_of(dimension, chosen) for dimension in self.by]
        if self.edges:
            bucket = pl.lit(pl.Series(self.edges, dtype=pl.Int64)).search_sorted(
                pl.col(TIME.name).cast(pl.Int64), "right"
            )
            keys.append((bucket.cast(pl.Int64) - 1).alias(BUCKET))
        rows = events.select(*keys, *columns)
        if self.only is not None and self.by:
            rows = rows.join(_like(self.only, rows), on=list(self.by), how="semi", nulls_equal=True)
        return rows


def _like(groups: pl.DataFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return groups, whose texts are `String`s, with the types that their columns have in rows."""
    schema = rows.collect_schema()
    return groups.lazy().select(pl.col(name).cast(schema[name]) for name in groups.columns)


async def counts(clicks: Scan, chosen: Chosen, grouping: Grouping, *, with_visitors: bool) -> pl.DataFrame:
    """Return the counts of each group of clicks that has any: the keys, people, bots, customers and, if wanted,
    visitors, else 0. Raises `SegmentDamaged`, `QuestionTooLarge`."""
    if not with_visitors:
        return await _added_up(clicks, chosen, grouping)
    passes = 1
    while True:
        try:
            found = _Sums(grouping.keys)
            for number in range(passes):
                await found.add(await _counted(clicks, chosen, grouping, number, passes))
            return await found.all()
        except _TooMuch:
            # A single customer may have more clicks than a pass may hold.
            if passes == MOST_PASSES:
                raise QuestionTooLarge from None
            passes *= PASSES


async def _added_up(clicks: Scan, chosen: Chosen, grouping: Grouping) -> pl.DataFrame:
    flags = (IS_BOT.name, MAKES_CUSTOMER.name)

    def reduce(events: pl.LazyFrame) -> pl.LazyFrame:
        rows = grouping.rows(events, chosen, *flags)
        return _plain(_grouped(rows, grouping.keys, [*_click_counts(), pl.lit(0, dtype=pl.Int64).alias("visitors")]))

    found = _Sums(grouping.keys)
    async for each in clicks.reduced(chosen, {*grouping.columns(), *flags}, reduce):
        await found.add(each)
    return await found.all()


async def _counted(clicks: Scan, chosen: Chosen, grouping: Grouping, number: int, passes: int) -> pl.DataFrame:
    """Count the clicks of the customers of one pass."""
    columns = (IS_BOT.name, MAKES_CUSTOMER.name, CUSTOMER)

    def reduce(events: pl.LazyFrame) -> pl.LazyFrame:
        mine = events if passes == 1 else events.filter(pl.col(CUSTOMER) % passes == number)
        return grouping.rows(mine, chosen, *columns)

    rows = await _held(clicks.reduced(chosen, {*grouping.columns(), *columns}, reduce))
    return await asyncio.to_thread(_visitors_of, rows, grouping.keys)


def _visitors_of(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    visitors = pl.col(CUSTOMER).n_unique().cast(pl.Int64).alias("visitors")
    return _plain(_grouped(rows.lazy(), keys, [*_click_counts(), visitors])).collect()


async def amounts(bookings: Scan, chosen: Chosen, grouping: Grouping) -> pl.DataFrame:
    """Return what the bookings of each group add up to, by currency: the keys, the currency, leads, sales, revenue and
    earnings. Raises `SegmentDamaged`, `QuestionTooLarge`."""
    keys = [*grouping.keys, CURRENCY.name]

    def reduce(events: pl.LazyFrame) -> pl.LazyFrame:
        rows = grouping.rows(events, chosen, CURRENCY.name, *BOOKED)
        return _plain(_grouped(rows, keys, [pl.col(name).cast(pl.Int64).sum() for name in BOOKED]))

    columns = {*grouping.columns(), CURRENCY.name, *BOOKED}
    found = _Sums(keys)
    async for each in bookings.reduced(chosen, columns, reduce):
        await found.add(each)
    return await found.all()


async def _held(steps: AsyncIterator[pl.DataFrame]) -> pl.DataFrame:
    """Return all steps together. Raises `_TooMuch`."""
    held: list[pl.DataFrame] = []
    size = 0
    async for step in steps:
        held.append(step)
        size += int(step.estimated_size())
        if size > HELD_BYTES:
            raise _TooMuch
    return pl.concat(held, how="vertical_relaxed")


def _click_counts() -> list[pl.Expr]:
    is_bot = pl.col(IS_BOT.name)
    return [
        (~is_bot).sum().cast(pl.Int64).alias("people"),
        is_bot.sum().cast(pl.Int64).alias("bots"),
        pl.col(MAKES_CUSTOMER.name).sum().cast(pl.Int64).alias("customers"),
    ]


def _grouped(rows: pl.LazyFrame, keys: list[str], sums: Sequence[pl.Expr]) -> pl.LazyFrame:
    return rows.group_by(keys).agg(sums) if keys else rows.select(sums)


def _plain(groups: pl.LazyFrame) -> pl.LazyFrame:
    """Return groups with types that do not depend on which events there are."""
    return groups.with_columns(selectors.categorical().cast(pl.String), selectors.integer().cast(pl.Int64))


class _Sums:
    """Adds up what the steps, or the passes, have found for each group."""

    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        self._parts: list[pl.DataFrame] = []

    async def add(self, part: pl.DataFrame) -> None:
        """Add a part. Raises `QuestionTooLarge`."""
        self._parts.append(part)
        if sum(map(len, self._parts)) > 2 * MOST_GROUPS:
            self._parts = [await self.all()]

    async def all(self) -> pl.DataFrame:
        """Return the sums so far. Raises `QuestionTooLarge`."""
        found = await asyncio.to_thread(_sum_of, self._parts, self._keys)
        if len(found) > MOST_GROUPS:
            raise QuestionTooLarge
        return found


def _sum_of(parts: Sequence[pl.DataFrame], keys: list[str]) -> pl.DataFrame:
    if len(parts) == 1:
        return parts[0]
    found = pl.concat(parts, how="vertical_relaxed")
    return found.group_by(keys).agg(selectors.exclude(keys).sum()) if keys else found.sum()
