"""Rows of events as columns in memory, and columns as Parquet or Arrow files, both by Polars.

A text with few different values is a `Categorical`: a number for each row, and one list of the values for the whole
process. Polars releases the interpreter's lock while it encodes and decodes.
"""

import struct
from collections.abc import Mapping, Sequence, Set
from io import BytesIO
from types import MappingProxyType
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
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
# A segment of so many rows is made up of Arrow files: they take a sixth less space than Parquet, and half the time to
# read, but four milliseconds more to make. Earlier versions made only Parquet.
LARGE_ROWS = 100_000
# What those begin with, and the number of bytes of the first one.
HEADER = struct.Struct("<4sI")
MAGIC, PARQUET = b"CGA1", b"PAR1"
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
    """Return a frame as a segment's data. A small one is a Parquet file. A large one is two Arrow files: its rows, in
    which listed texts are positions and numbers take as few bytes as they can, and the lists."""
    if len(frame) < LARGE_ROWS:
        file = BytesIO()
        frame.write_parquet(file, compression="zstd", statistics=False)
        return file.getvalue()
    rows, lists = [], []
    for series in frame:
        if is_listed(series):
            positions, texts = _positions(series)
            rows.append(positions)
            lists.append(texts.implode())
        else:
            rows.append(shrunk(series))
    parts = [_arrow(pl.DataFrame(rows)), _arrow(pl.DataFrame(lists))]
    return HEADER.pack(MAGIC, len(parts[0])) + b"".join(parts)


def _positions(series: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return a `Categorical` column as positions in a list, and the list: the texts that it has, in the order of the
    process's values."""
    numbers = series.to_physical()
    known = numbers.drop_nulls().to_numpy()
    used = np.flatnonzero(np.bincount(known))
    places = np.zeros(used[-1] + 1 if len(used) else 0, np.uint32)
    places[used] = np.arange(len(used))
    positions = pl.Series(series.name, places).shrink_dtype().gather(numbers)
    return positions, categories_of(series.name).to_series().gather(used).alias(series.name)


def shrunk(series: pl.Series) -> pl.Series:
    """Return numbers in as few bytes as they take. Amounts may be negative, and stay; so does what was shrunk."""
    if not series.dtype.is_signed_integer() or (series < 0).any():
        return series
    return series.cast(pl.UInt64).shrink_dtype()


def _arrow(frame: pl.DataFrame) -> bytes:
    file = BytesIO()
    frame.write_ipc(file, compression="zstd")
    return file.getvalue()


class StoredColumn(NamedTuple):
    """A column of a segment: the rows and, if these are positions in a list, the texts in it."""

    rows: pl.Series
    texts: pl.Series | None = None

    def values(self) -> pl.Series:
        """Return the values, texts from a list as `Categorical`."""
        return self.rows if self.texts is None else listed(self.texts).gather(self.rows).alias(self.rows.name)


def stored(data: bytes, checksum: int, columns: Sequence[str]) -> Sequence[StoredColumn]:
    """Return columns of a segment's data. Raises `SegmentDamaged` for data that is not what was encoded, or that lacks
    a column."""
    if crc32(data) != checksum:
        raise SegmentDamaged("the checksum of its data does not match")
    try:
        if data.startswith(PARQUET):
            return [StoredColumn(series) for series in pl.read_parquet(data, columns=list(columns))]
        magic, size = HEADER.unpack_from(data)
        if magic != MAGIC:
            raise SegmentDamaged("its data is in an unknown format")
        lists = data[HEADER.size + size :]
        rows = pl.read_ipc(data[HEADER.size : HEADER.size + size], columns=list(columns))
        names = [name for name in pl.read_ipc_schema(BytesIO(lists)) if name in rows.columns]
        texts = (
            {series.name: series[0].alias(series.name) for series in pl.read_ipc(lists, columns=names)} if names else {}
        )
    except (PolarsError, struct.error, OSError) as error:
        raise SegmentDamaged(str(error).splitlines()[0]) from error
    return [StoredColumn(series, texts.get(series.name)) for series in rows]


def decode(data: bytes, checksum: int, columns: Sequence[str]) -> pl.DataFrame:
    """Return columns of a segment's data as they were encoded. Raises `SegmentDamaged`."""
    found = (column.values() for column in stored(data, checksum, columns))
    return pl.DataFrame(series.cast(pl.Int64) if series.dtype.is_integer() else series for series in found)


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with all texts as `String`."""
    return frame.with_columns(selectors.categorical().cast(pl.String))
