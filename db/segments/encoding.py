"""Rows of events as columns in memory, and columns as Parquet files, both by Polars.

A text with few different values is a `Categorical`: a number for each row, and one list of the values for the whole
process. Polars releases the interpreter's lock while it encodes and decodes.
"""

from collections.abc import Mapping, Sequence, Set
from io import BytesIO
from types import MappingProxyType
from typing import Any
from zlib import crc32

import polars as pl
from polars import selectors
from polars.exceptions import PolarsError

from db.errors import SegmentDamaged
from db.segments.columns import Column, ColumnType

# Of more different values, the list would take more space than the texts in the rows do.
MOST_CATEGORIES = 16_384
# A list with more values gets no more from new segments. Where it is read, rows have the texts themselves.
MOST_VALUES = 65_536
NAMESPACE = "clickgate"
TYPES: Mapping[ColumnType, type[pl.DataType]] = MappingProxyType(
    {"number": pl.Int64, "flag": pl.Boolean, "text": pl.String}
)


def categories_of(column: str) -> pl.Categories:
    """Return the process's values of a column. The list lives as long as any data that refers to it."""
    return pl.Categories(column, NAMESPACE)


def frame_of(columns: Sequence[Column], cells: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Return the values of each column as a frame. Empty texts become null."""
    return pl.DataFrame([_series(column, values) for column, values in zip(columns, cells, strict=True)])


def _series(column: Column, values: Sequence[Any]) -> pl.Series:
    if column.type == "flag":
        return pl.Series(column.name, values, pl.Int8).cast(pl.Boolean)
    if column.shorten is not None:
        values = [value and column.shorten(value) for value in values]
    # Rare, and cheaper to find here than with `nullif` in SQLite, which takes as long as reading half of the texts.
    if column.type == "text" and "" in values:
        values = [value or None for value in values]
    return pl.Series(column.name, values, TYPES[column.type])


def joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all frames, whose texts may be `String` or `Categorical`; those of the result are
    `Categorical` where there are few different ones."""
    # Numbers are faster to copy and to sort than texts.
    frames = [_narrowed(frame) for frame in frames]
    wide = {series.name for frame in frames for series in frame if series.dtype == pl.String}
    together = pl.concat([_widened(frame, wide) for frame in frames])
    return _widened(together, {series.name for series in together if is_listed(series) and _is_wide(series)})


def _narrowed(frame: pl.DataFrame) -> pl.DataFrame:
    texts = (series for series in frame if series.dtype == pl.String)
    return frame.with_columns(listed(series) for series in texts if not (is_full(series.name) or _is_wide(series)))


def _widened(frame: pl.DataFrame, columns: Set[str]) -> pl.DataFrame:
    return frame.with_columns(pl.col(name).cast(pl.String) for name in columns)


def _is_wide(series: pl.Series) -> bool:
    return len(series) > MOST_CATEGORIES and series.n_unique() > MOST_CATEGORIES


def is_full(column: str) -> bool:
    """Return whether a column's list has so many values that it should get no more."""
    return MOST_VALUES in categories_of(column)


def is_listed(series: pl.Series) -> bool:
    """Return whether a column has numbers of the values in a list."""
    return isinstance(series.dtype, pl.Categorical)


def listed(texts: pl.Series) -> pl.Series:
    """Return texts as numbers of the process's values of the column."""
    return texts.cast(pl.Categorical(categories_of(texts.name)))


def encode(frame: pl.DataFrame) -> bytes:
    """Return a frame as a Parquet file."""
    file = BytesIO()
    frame.write_parquet(file, compression="zstd", statistics=False)
    return file.getvalue()


def decode(data: bytes, checksum: int, columns: Sequence[str]) -> pl.DataFrame:
    """Return columns of a Parquet file. Texts are `String`, or `Categorical` with the process's values. Raises
    `SegmentDamaged` for a file that is not what was encoded, or that lacks a column."""
    if crc32(data) != checksum:
        raise SegmentDamaged("the checksum of its data does not match")
    try:
        return pl.read_parquet(data, columns=list(columns))
    except PolarsError as error:
        raise SegmentDamaged(str(error).splitlines()[0]) from error


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with all texts as `String`."""
    return frame.with_columns(selectors.categorical().cast(pl.String))
