"""Groups in an order, and those after a cursor.

Groups of equal numbers are ordered by their values: texts by code point, programs, partners and links by the names that
are shown for them, or in a ranking by their ids as texts, and what is not known last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from db.segments.names import Names, names_of
from db.segments.questions import SUBJECTS, Breakdown, Cursor, Key, Order

NUMBER = "number"
MORE_NUMBERS = ("second number", "third number")


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order of a breakdown's groups."""

    breakdown: Breakdown
    names: Names

    def numbered(self, groups: pl.DataFrame) -> pl.DataFrame:
        """Return groups with the columns that they are ordered by."""
        named = [
            self._name(dimension).alias(_named(dimension)) for dimension in self.breakdown.by if dimension in SUBJECTS
        ]
        return groups.with_columns(*_numbers(self.breakdown.order), *named)

    def _name(self, dimension: str) -> pl.Expr:
        if self.breakdown.order is Order.RANKING:
            return pl.col(dimension).cast(pl.String)
        return names_of(dimension, self.names)

    def after(self, groups: pl.DataFrame, cursor: Cursor | None) -> pl.DataFrame:
        """Return the numbered groups that follow a cursor; all of them without one."""
        if cursor is None:
            return groups
        is_later: pl.Expr = pl.lit(False)
        places = zip(self._columns(), (cursor.number, *self._values(cursor.key)), self._descending(), strict=True)
        for name, value, descending in reversed(list(places)):
            column = pl.col(name)
            if value is None:
                is_later = column.is_null() & is_later
            else:
                follows = column < value if descending else column > value
                is_later = column.is_null() | follows | (column.eq_missing(value) & is_later)
        return groups.filter(is_later)

    def first(self, groups: pl.DataFrame, count: int) -> pl.DataFrame:
        """Return the first of the numbered groups."""
        groups = _foremost(groups, self.breakdown, count)
        return groups.sort(self._columns(), descending=self._descending(), nulls_last=True).head(count)

    def _columns(self) -> Sequence[str]:
        columns = [NUMBER, *(MORE_NUMBERS if self.breakdown.order is Order.RANKING else [])]
        for dimension in self.breakdown.by:
            columns += [_named(dimension), dimension] if dimension in SUBJECTS else [dimension]
        return columns

    def _values(self, key: Key) -> Sequence[Any]:
        values: list[Any] = []
        for dimension, value in zip(self.breakdown.by, key, strict=True):
            if dimension in SUBJECTS:
                values.append(self.names[dimension].get(int(value or 0)))
            values.append(value)
        return values

    def _descending(self) -> Sequence[bool]:
        is_by_value = self.breakdown.order is Order.VALUE
        of_values = is_by_value and self.breakdown.is_descending
        numbers = 1 + len(MORE_NUMBERS) * (self.breakdown.order is Order.RANKING)
        of_numbers = not is_by_value and self.breakdown.is_descending
        return [(at < numbers and of_numbers) or (at >= numbers and of_values) for at in range(len(self._columns()))]


def compared_by_name(groups: pl.DataFrame, breakdown: Breakdown) -> pl.DataFrame:
    """Return the groups whose names decide what is on the page: without those that come later by their number alone,
    unless groups are also compared with a search or a cursor."""
    if breakdown.search is not None or breakdown.after is not None:
        return groups
    numbered = groups.with_columns(*_numbers(breakdown.order))
    return _foremost(numbered, breakdown, breakdown.offset + breakdown.first + 1)


def _foremost(numbered: pl.DataFrame, breakdown: Breakdown, count: int) -> pl.DataFrame:
    """Return the first of the numbered groups, and those that share the last one's number."""
    if breakdown.order is Order.VALUE or not 0 < count < len(numbered):
        return numbered
    number = pl.col(NUMBER)
    if breakdown.is_descending:
        return numbered.filter(number >= numbered[NUMBER].top_k(count).min())
    return numbered.filter(number <= numbered[NUMBER].bottom_k(count).max())


def _named(dimension: str) -> str:
    return f"name of {dimension}"


def _numbers(order: Order) -> Sequence[pl.Expr]:
    clicks = pl.col("people") + pl.col("bots")
    match order:
        case Order.VALUE:
            return [pl.lit(0, dtype=pl.Int64).alias(NUMBER)]
        case Order.CLICKS:
            return [clicks.alias(NUMBER)]
        case Order.RANKING:
            others = (pl.when(clicks == 0).then(pl.col(name)).otherwise(0) for name in ("sales", "leads"))
            return [
                clicks.alias(NUMBER),
                *(other.alias(name) for other, name in zip(others, MORE_NUMBERS, strict=True)),
            ]
        case _:
            return [pl.col(order.value).alias(NUMBER)]
