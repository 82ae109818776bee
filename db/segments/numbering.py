"""The process's numbers for the texts of segments.

A text column of a segment has a list of its values, Polars' `Categories`. In memory, its rows are the numbers of their
values in that list, in as few bytes as these take: four times as many columns are kept, and read, as with Polars' own.
"""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from db.segments.columns import SEGMENT_SOURCES
from db.segments.encoding import categories_of

TEXTS = frozenset(column.name for of in SEGMENT_SOURCES for column in of.columns if column.type == "text")
WIDTHS = ((2**8, pl.UInt8), (2**16, pl.UInt16), (2**32, pl.UInt32))


def is_numbered(column: str, type: pl.DataType) -> bool:
    """Return whether rows of a column are numbers of texts."""
    return column in TEXTS and type.is_integer()


class _List(NamedTuple):
    """The values of a column, and a column without rows that refers to them: the process's list, which only ever gets
    longer, lives as long as there is one."""

    texts: pl.Series
    owner: pl.Series


_lists: dict[str, _List] = {}


def values_of(column: str) -> pl.Series:
    """Return the texts that a column's rows are the numbers of. They are read out of the process's list only when that
    has become longer: reading takes a third of a microsecond for each, and a question needs them a dozen times."""
    categories = categories_of(column)
    found = _lists.get(column)
    if found is not None and len(found.texts) == categories._categories.num_cats_upper_bound():
        return found.texts
    owner = pl.Series(column, [], pl.Categorical(categories))
    texts = categories.to_series()
    # Another thread may be about to add those that are null.
    if not texts.null_count():
        _lists[column] = _List(texts, owner)
    return texts


def forget_values(column: str) -> None:
    """Let go of a column's list of values."""
    _lists.pop(column, None)


def numbered(column: pl.Series) -> pl.Series:
    """Return the numbers of a `Categorical` column, in as many bytes as any of its values takes."""
    size = len(values_of(column.name))
    return column.to_physical().cast(next(type for most, type in WIDTHS if size <= most))


def at_positions(numbers: pl.Series, positions: pl.Series) -> pl.Series:
    """Return the numbers at each of some positions. Most files have their lists in the order of the process's own."""
    if numbers.equals(pl.Series(range(len(numbers)), dtype=numbers.dtype)):
        return positions.cast(numbers.dtype)
    return numbers.gather(positions).alias(positions.name)


def texts(column: str) -> pl.Expr:
    """Return the texts of a column's numbers."""
    return pl.lit(values_of(column)).gather(pl.col(column)).alias(column)


def numbers_of(column: str, texts: Iterable[object]) -> pl.Series:
    """Return the numbers of those texts that the list has."""
    return values_of(column).is_in(list(texts)).arg_true()
