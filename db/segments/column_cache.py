"""The process's cache of decoded columns, bounded in bytes: a question decodes only what none has asked before."""

from collections.abc import Iterable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

import polars as pl
from cachetools import LRUCache

from db.segments.columns import Column, ColumnType
from db.segments.encoding import StoredColumn, is_full, is_listed, listed, shrunk
from db.segments.numbering import TEXTS, at_positions, forget_values, is_numbered, numbered, texts

# Ten million clicks need 10 or 20 MB for each dimension that is asked, and 40 MB to count visitors.
CACHED_BYTES = 160 * 1024 * 1024
# What a value takes, roughly: most texts are numbers of one byte, or of two.
VALUE_BYTES: Mapping[ColumnType, float] = MappingProxyType({"number": 4, "flag": 1 / 8, "text": 1.25})


class FileKey(NamedTuple):
    """What a segment's file is told by, and by its contents, whichever database it comes from."""

    kind: str
    program_id: int
    id: int
    checksum: int


class ColumnCache:
    """Columns by the file that they come from. Threads may share it."""

    def __init__(self, max_bytes: int = CACHED_BYTES) -> None:
        self._columns: LRUCache[tuple[FileKey, str], pl.Series] = LRUCache(max_bytes, _size)
        self._wide: set[str] = set()
        # A list of values lives as long as a column of Polars that refers to it, such as these, which have no rows.
        self._lists: dict[str, pl.Series] = {}
        self._former_lists: list[pl.Series] = []
        self._lock = Lock()

    @property
    def bytes(self) -> int:
        """How many bytes the columns take."""
        return int(self._columns.currsize)

    def get(self, file: FileKey, column: str) -> pl.Series | None:
        """Return a column, None if it is not cached any more."""
        with self._lock:
            found: pl.Series | None = self._columns.get((file, column))
            return found

    def has(self, file: FileKey, column: str) -> bool:
        """Return whether a column is cached."""
        return (file, column) in self._columns

    def has_space(self, rows: int, columns: Iterable[Column]) -> bool:
        """Return whether all that a question needs may fit in: so many rows of these columns."""
        return rows * sum(VALUE_BYTES[column.type] for column in columns) <= int(self._columns.maxsize)

    def make_space(self) -> None:
        """Forget columns until half of the space is free, for a question that needs memory and will not fit in."""
        with self._lock:
            while self._columns.currsize > self._columns.maxsize / 2:
                self._columns.popitem()

    def add(self, file: FileKey, column: StoredColumn) -> pl.Series:
        """Cache a column if there is space; return it in the form in which it is to be used."""
        kept = self.usable(column)
        with self._lock:
            if _size(kept) <= self._columns.maxsize:
                self._columns[file, kept.name] = kept
        return kept

    def shared(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame of events that are in no file with its texts as those of files are kept."""
        if not len(frame):
            return frame
        shared = (series for series in frame if series.dtype == pl.String and series.name not in self._wide)
        return frame.with_columns(self.usable(StoredColumn(listed(series))) for series in shared)

    def widened(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a `shared` frame in the form in which columns are kept by now."""
        former = (name for name in frame.columns if name in self._wide and is_numbered(name, frame.schema[name]))
        return frame.with_columns(map(texts, former))

    def forget_former_lists(self) -> None:
        """Forget the lists of values that no question refers to any more."""
        for series in self._former_lists:
            forget_values(series.name)
        self._former_lists.clear()

    def usable(self, column: StoredColumn) -> pl.Series:
        """Return a column in the form in which it is to be used, without keeping it."""
        rows, listed_texts = column
        name = rows.name
        if name not in TEXTS:
            return shrunk(rows)
        # A file with many different values of a column has texts, and those of the others then have to be texts, too.
        if name not in self._wide and (not (listed_texts is not None or is_listed(rows)) or is_full(name)):
            self._widen(name)
        if name in self._wide:
            return column.values().cast(pl.String)
        values = rows if listed_texts is None else listed(listed_texts)
        self._lists[name] = values.clear()
        return numbered(values) if listed_texts is None else at_positions(numbered(values), rows)

    def _widen(self, column: str) -> None:
        """Keep a column's texts in its rows from now on, and forget the list of its values once the question is
        answered that may have seen its numbers."""
        with self._lock:
            self._wide.add(column)
            self._former_lists.extend(series for series in [self._lists.pop(column, None)] if series is not None)
            for key in [key for key in self._columns if key[1] == column]:
                del self._columns[key]


def _size(series: pl.Series) -> int:
    return int(series.estimated_size())
