"""Reads the segments of a question, a few at a time, so that what they decode to never takes more than a bounded space.

All of it happens in one snapshot of the database: the segments, and the events that no segment has yet.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import polars as pl

from db.segments.column_cache import ColumnCache, FileKey
from db.segments.columns import IS_BOT, TIME, SegmentSource
from db.segments.conditions import SUBJECT_COLUMNS, column_of, condition_of, conditions_of
from db.segments.encoding import stored
from db.segments.numbering import TEXTS, is_numbered
from db.segments.questions import LINK, PARTNER, PROGRAM, Chosen
from db.tasks import ahead

# Rows to filter in one step: a question can end between two of them. Of columns that are cached, they take a few
# hundredths of a second. Others are read ahead, so that two steps are in memory at once.
CACHED_STEP_ROWS, STEP_ROWS = 2_000_000, 1_000_000
# Files to read from the database at once, of some two megabytes; others are read while these are decoded.
READ_FILES = 4
PROGRAM_COLUMN = SUBJECT_COLUMNS[PROGRAM]

Reduce: TypeAlias = Callable[[pl.LazyFrame], pl.LazyFrame]


class SegmentFile(NamedTuple):
    """A segment without its data; times are in microseconds since 1970."""

    program_id: int
    id: int
    events: int
    first_at: int
    last_at: int
    checksum: int


Read: TypeAlias = Callable[[Sequence[SegmentFile]], Coroutine[Any, Any, Sequence[bytes]]]


class ColumnWidened(Exception):
    """The texts of a column are kept as numbers in some of the rows, and not in others. It happens while a list of
    values becomes too long, and not again when the rows are read once more."""


class _Forms:
    """In which form each column with texts was seen, as numbers or not."""

    def __init__(self) -> None:
        self._seen: dict[str, bool] = {}

    def check(self, frame: pl.DataFrame) -> None:
        """Raise `ColumnWidened` if a column of the frame is in another form than before."""
        schema = frame.schema
        for name in TEXTS & schema.keys():
            if self._seen.setdefault(name, form := is_numbered(name, schema[name])) is not form:
                raise ColumnWidened


@dataclass(frozen=True, slots=True)
class Scan:
    """The events that may count: files, and events that are in none, with their programs. Of the latter, each has the
    columns of any question that is put."""

    source: SegmentSource
    files: Sequence[SegmentFile]
    others: pl.DataFrame
    read: Read
    """Read the data of files."""
    cache: ColumnCache

    @property
    def events(self) -> int:
        """How many events may count at most."""
        return len(self.others) + sum(file.events for file in self.files)

    def without_events(self) -> "Scan":
        """Return the scan of none of the events."""
        return replace(self, files=(), others=self.others.clear())

    async def reduced(self, chosen: Chosen, columns: Collection[str], reduce: Reduce) -> AsyncGenerator[pl.DataFrame]:
        """Yield what the events that count are reduced to, a step at a time. The frames that are reduced have these
        columns and those that the conditions need. The next step is read meanwhile, so whoever ends early has to close
        the iterator before the snapshot is used for anything else. Raises `SegmentDamaged`, `ColumnWidened`."""
        needed = {*columns, *needed_by(chosen)}
        others = self.cache.widened(self.others.select(sorted(needed | {TIME.name})))
        forms = _Forms()
        files = [file for file in self.files if file.last_at >= chosen.start_at and file.first_at < chosen.end_at]
        rows = sum(file.events for file in files)
        # Of more than fits in, the cache would forget each column before the next question needs it.
        keep = self.cache.has_space(rows, [column for column in self.source.columns if column.name in needed])
        if not keep:
            self.cache.make_space()
        steps = list(self._steps(files, chosen, needed))  # whose size depends on what is cached
        if len(others) or not steps:
            forms.check(others)
            yield await asyncio.to_thread(_reduced, [others], chosen, reduce)
        async with aclosing(ahead(partial(self._frames, step, chosen, needed, keep=keep) for step in steps)) as read:
            async for frames in read:
                for frame in frames:
                    forms.check(frame)
                yield await asyncio.to_thread(_reduced, frames, chosen, reduce)

    def _steps(
        self, files: Sequence[SegmentFile], chosen: Chosen, needed: Collection[str]
    ) -> Iterator[Sequence[SegmentFile]]:
        step: list[SegmentFile] = []
        part = 0.0
        for file in files:
            step.append(file)
            part += file.events / (CACHED_STEP_ROWS if self._is_cached(file, chosen, needed) else STEP_ROWS)
            if part >= 1:
                yield step
                step, part = [], 0
        if step:
            yield step

    def _is_cached(self, file: SegmentFile, chosen: Chosen, needed: Collection[str]) -> bool:
        key = self._key(file)
        return all(self.cache.has(key, column) for column in stored_of(self._columns(file, chosen, needed)))

    async def _frames(
        self, files: Sequence[SegmentFile], chosen: Chosen, needed: Collection[str], *, keep: bool
    ) -> Sequence[pl.DataFrame]:
        """Return the columns of files: those that are cached, and the others decoded from the data."""
        opened = [_OpenFile(file, self._columns(file, chosen, needed), self.cache, self._key(file)) for file in files]
        incomplete = [each for each in opened if each.missing]
        lots = [incomplete[first : first + READ_FILES] for first in range(0, len(incomplete), READ_FILES)]
        reads = (partial(self.read, [each.file for each in lot]) for lot in lots)
        decoded = iter(lots)
        async with aclosing(ahead(reads)) as read:
            async for datas in read:
                await asyncio.to_thread(_decode, next(decoded), datas, keep=keep)
        return [each.frame() for each in opened]

    def _columns(self, file: SegmentFile, chosen: Chosen, needed: Collection[str]) -> Sequence[str]:
        """Return which of its columns a question needs: times only where some may be outside of the period, or where
        they are asked for."""
        is_inside = chosen.start_at <= file.first_at and file.last_at < chosen.end_at
        return sorted({*needed, *(() if is_inside else (TIME.name,))})

    def _key(self, file: SegmentFile) -> FileKey:
        return FileKey(self.source.kind, file.program_id, file.id, file.checksum)


class _OpenFile:
    """The columns that are needed of a file, as far as they are cached. They are held, whatever the cache forgets."""

    def __init__(self, file: SegmentFile, columns: Sequence[str], cache: ColumnCache, key: FileKey) -> None:
        self.file = file
        self._cache = cache
        self._key = key
        self._columns = columns
        found = {column: cache.get(key, column) for column in stored_of(columns)}
        self._series = {column: series for column, series in found.items() if series is not None}
        self.missing = [column for column, series in found.items() if series is None]

    def decode(self, data: bytes, *, keep: bool) -> None:
        """Add the columns that are missing, and cache them if they are to be kept. Raises `SegmentDamaged`."""
        for column in stored(data, self.file.checksum, self.missing):
            usable = self._cache.add(self._key, column) if keep else self._cache.usable(column)
            self._series[column.rows.name] = usable

    def frame(self) -> pl.DataFrame:
        """Return the columns, by name."""
        frame = pl.DataFrame([self._series[column] for column in self._columns if column != PROGRAM_COLUMN])
        if PROGRAM_COLUMN not in self._columns:
            return frame
        program = pl.lit(self.file.program_id, dtype=pl.Int64).alias(PROGRAM_COLUMN)
        return frame.with_columns(program).select(self._columns)


def stored_of(columns: Sequence[str]) -> Sequence[str]:
    """Return those of the columns that files have: a file has one program."""
    return [column for column in columns if column != PROGRAM_COLUMN]


def needed_by(chosen: Chosen) -> Iterator[str]:
    """Yield the columns that conditions need, apart from times that tell whether a row is in the period."""
    if chosen.partner_ids is not None:
        yield SUBJECT_COLUMNS[PARTNER]
    if chosen.link_ids is not None:
        yield SUBJECT_COLUMNS[LINK]
    if chosen.is_bot is not None:
        yield IS_BOT.name
    for condition in chosen.conditions:
        yield column_of(condition.dimension)


def _decode(files: Sequence[_OpenFile], datas: Sequence[bytes], *, keep: bool) -> None:
    for file, data in zip(files, datas, strict=True):
        file.decode(data, keep=keep)


def _reduced(frames: Sequence[pl.DataFrame], chosen: Chosen, reduce: Reduce) -> pl.DataFrame:
    """Return what those rows of frames are reduced to that count. Rows of frames without times are in the period."""
    whole = [frame for frame in frames if TIME.name not in frame.columns]
    timed = [frame for frame in frames if TIME.name in frame.columns]
    found = [_filtered(some, chosen) for some in (whole, timed) if some]
    names = sorted({column for frame in frames for column in frame.columns} - ({TIME.name} if whole else set()))
    return reduce(pl.concat([each.select(names) for each in found], how="vertical_relaxed")).collect()


def _filtered(frames: Sequence[pl.DataFrame], chosen: Chosen) -> pl.LazyFrame:
    frame = pl.concat(frames, how="vertical_relaxed").lazy()
    schema = frame.collect_schema()
    conditions = [
        *conditions_of(chosen, schema.keys()),
        *(condition_of(each, chosen, schema) for each in chosen.conditions),
    ]
    return frame.filter(*conditions) if conditions else frame
