"""Rows of events as columns in memory, and columns as Parquet files, both by Polars.

A text with few different values is a `Categorical`: a number for each row, and one list of the values for the whole
process. Polars releases the interpreter's lock while it encodes and decodes.
"""

from collections.abc import Iterable, Mapping, Sequence
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
NAMESPACE = "clickgate"
TYPES: Mapping[ColumnType, type[pl.DataType]] = MappingProxyType(
    {"number": pl.Int64, "flag": pl.Boolean, "text": pl.String}
)


def categories_of(column: str) -> pl.Categories:
    """Return the process's values of a column. The list lives as long as any data that refers to it."""
    return pl.Categories(column, NAMESPACE)


def frame_of(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> pl.DataFrame:
    """Return rows, which have a value for each column, as columns. Empty texts become null."""
    cells: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return pl.DataFrame([_series(column, values) for column, values in zip(columns, cells, strict=True)])


def _series(column: Column, values: Sequence[Any]) -> pl.Series:
    if column.type == "flag":
        return pl.Series(column.name, values, pl.Int8).cast(pl.Boolean)
    # Rare, and cheaper to find here than with `nullif` in SQLite, which takes as long as reading half of the texts.
    if column.type == "text" and "" in values:
        values = [value or None for value in values]
    return pl.Series(column.name, values, TYPES[column.type])


def encode(frame: pl.DataFrame) -> bytes:
    """Return a frame, the texts of which are `String`s, as a Parquet file."""
    texts = [series for series in frame if series.dtype == pl.String]
    few = [series.name for series in texts if series.n_unique() <= MOST_CATEGORIES]
    file = BytesIO()
    frame.with_columns(pl.col(name).cast(pl.Categorical(categories_of(name))) for name in few).write_parquet(
        file, compression="zstd", statistics=False
    )
    return file.getvalue()


def decode(data: bytes, checksum: int, columns: Sequence[str]) -> pl.DataFrame:
    """Return columns of a Parquet file. Texts may be `String` or `Categorical`. Raises `SegmentDamaged` for a file that
    is not what was encoded, or that lacks a column."""
    if crc32(data) != checksum:
        raise SegmentDamaged("the checksum of its data does not match")
    try:
        frame = pl.read_parquet(data, columns=list(columns))
    except PolarsError as error:
        raise SegmentDamaged(str(error).splitlines()[0]) from error
    return frame


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with all texts as `String`."""
    return frame.with_columns(selectors.categorical().cast(pl.String))
