"""Adds up the events of a question by the values of its dimensions."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import polars as pl
from polars import selectors

from db.rollups.sums import BOOKED
from db.segments.columns import CURRENCY, TIME
from db.segments.conditions import column_of, value_of
from db.segments.numbering import is_numbered, texts, values_of
from db.segments.questions import Chosen
from db.segments.scan import Scan

BUCKET = "bucket"
# With their texts and counts, some two hundred megabytes.
MOST_GROUPS = 500_000


class QuestionTooLarge(Exception):
    """A question would need more memory than it may."""


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
    return groups.lazy().select(_in_form(name, schema[name]) for name in groups.columns)


def _in_form(column: str, type: pl.DataType) -> pl.Expr:
    if not is_numbered(column, type):
        return pl.col(column).cast(type)
    values = values_of(column)
    numbers = pl.Series(range(len(values)), dtype=pl.UInt32)
    return pl.col(column).replace_strict(values, numbers, default=None, return_dtype=pl.UInt32).cast(type)


async def amounts(bookings: Scan, chosen: Chosen, grouping: Grouping) -> pl.DataFrame:
    """Return what the bookings of each group add up to, by currency: the keys, the currency, leads, sales, revenue and
    earnings. Raises `SegmentDamaged`, `QuestionTooLarge`."""
    keys = [*grouping.keys, CURRENCY.name]

    def reduce(events: pl.LazyFrame) -> pl.LazyFrame:
        rows = grouping.rows(events, chosen, CURRENCY.name, *BOOKED)
        return plain(grouped(rows, keys, [pl.col(name).cast(pl.Int64).sum() for name in BOOKED]))

    columns = {*grouping.columns(), CURRENCY.name, *BOOKED}
    found = GroupSums(keys)
    async with aclosing(bookings.reduced(chosen, columns, reduce)) as steps:
        async for step in steps:
            await found.add(step)
    return await found.all()


def grouped(rows: pl.LazyFrame, keys: list[str], sums: Sequence[pl.Expr]) -> pl.LazyFrame:
    """Return the sums of each group; without keys, those of all rows together."""
    return rows.group_by(keys).agg(sums) if keys else rows.select(sums)


def plain(groups: pl.LazyFrame) -> pl.LazyFrame:
    """Return groups with types that do not depend on which events there are."""
    numbered = [name for name, type in groups.collect_schema().items() if is_numbered(name, type)]
    return groups.with_columns(map(texts, numbered)).with_columns(selectors.integer().cast(pl.Int64))


class GroupSums:
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
