"""Time as reports ask for it, given to a statement as its parameters: ranges of it, and single rollups, each with the
bucket that it counts in.

The two databases want them in different forms. SQLite goes through a table and looks each row up. To PostgreSQL a
look-up costs as much as ten rows: it finds more at once, and tells a row's bucket by its moment.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, FromClause, Integer, Text, and_, bindparam, column, inspect, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias

from db.columns import UtcDateTime
from db.parents import InOrder

EVENTS = 0
"""The span of a range whose events are counted one by one."""


class TimeRange(NamedTuple):
    """A range of time, its end excluded, whose clicks belong to one bucket: those in rollups of a span, or those in the
    events."""

    bucket: int | None
    """None where `bucket_of` tells it, for each row."""
    span_seconds: int
    start_at: datetime
    end_at: datetime


class Kind(NamedTuple):
    """Of rollups that are moved between buckets: 1 where they are added to one, -1 where they are taken off; and their
    span."""

    weight: int
    span_seconds: int

    @property
    def parameter(self) -> str:
        return f"{'added' if self.weight > 0 else 'taken'}_{self.span_seconds}"


class Moved(NamedTuple):
    """The rollups that begin at one moment, and the bucket that they are added to or taken off."""

    kind: Kind
    bucket: int
    bucket_at: datetime


class Pieces(NamedTuple):
    """What buckets are made of: the rollups of whole ranges, and some that are moved. In other words, it is the ranges
    that have rollups of the shortest span, and those that have none."""

    whole: Sequence[TimeRange]
    moved: Sequence[Moved]
    shortest: Sequence[TimeRange]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(sorted({each.kind for each in self.moved}))


class _Ranges(FunctionElement[Any]):
    """The rows of a JSON parameter that `piece_values` wrote."""

    inherit_cache = True


@compiles(_Ranges, "sqlite")
def _ranges_on_sqlite(element: _Ranges, compiler: SQLCompiler, **options: Any) -> str:
    return _items(TimeRange._fields, compiler.process(element.clauses, **options))


@compiles(_Ranges, "postgresql")
def _ranges_on_postgresql(element: _Ranges, compiler: SQLCompiler, **options: Any) -> str:
    types = ("integer", "integer", "timestamp AT TIME ZONE 'UTC'", "timestamp AT TIME ZONE 'UTC'")
    items = (
        f"(item ->> {at})::{type} AS {name}"
        for at, (name, type) in enumerate(zip(TimeRange._fields, types, strict=True))
    )
    json_text = compiler.process(element.clauses, **options)
    return f"(SELECT {', '.join(items)} FROM jsonb_array_elements({json_text}::jsonb) AS items (item))"  # noqa: S608  names of our own


class _MovedRows(FunctionElement[Any]):
    """Likewise; SQLite's."""

    inherit_cache = True


@compiles(_MovedRows, "sqlite")
def _moved_rows_on_sqlite(element: _MovedRows, compiler: SQLCompiler, **options: Any) -> str:
    return _items(("bucket", "bucket_at"), compiler.process(element.clauses, **options))


def _items(names: Sequence[str], json_text: str) -> str:
    items = (f"json_extract(value, '$[{at}]') AS {name}" for at, name in enumerate(names))
    return f"(SELECT {', '.join(items)} FROM json_each({json_text}))"  # noqa: S608  likewise


class _Moments(FunctionElement[Any]):
    """An array of the moments in a text that `piece_values` wrote; PostgreSQL's."""

    inherit_cache = True


@compiles(_Moments, "postgresql")
def _moments_on_postgresql(element: _Moments, compiler: SQLCompiler, **options: Any) -> str:
    # They become moments once; to make each moment a number would take longer than to find its row.
    numbers = f"unnest(CAST({compiler.process(element.clauses, **options)} AS double precision[]))"
    ordered = f"{numbers} WITH ORDINALITY AS moments (moment, place) ORDER BY place"
    return f"ARRAY(SELECT to_timestamp(moment) FROM {ordered})"  # noqa: S608  likewise


class _Bucket(FunctionElement[int]):
    type = Integer()
    inherit_cache = True


@compiles(_Bucket, "sqlite")
def _bucket_on_sqlite(element: _Bucket, compiler: SQLCompiler, **options: Any) -> str:
    bucket, _, _ = element.clauses
    return compiler.process(bucket, **options)


@compiles(_Bucket, "postgresql")
def _bucket_on_postgresql(element: _Bucket, compiler: SQLCompiler, **options: Any) -> str:
    bucket, moment, starts = (compiler.process(clause, **options) for clause in element.clauses)
    return f"coalesce({bucket}, width_bucket({moment}, {starts}) - 1)"


class _MovedTo(FunctionElement[int]):
    type = Integer()
    inherit_cache = True


@compiles(_MovedTo, "postgresql")
def _moved_to_on_postgresql(element: _MovedTo, compiler: SQLCompiler, **options: Any) -> str:
    moment, moments, buckets = (compiler.process(clause, **options) for clause in element.clauses)
    # Read once, in a query of its own, and not for each row.
    return f"(SELECT CAST({buckets} AS integer[]))[width_bucket({moment}, {moments})]"


class _IsAmong(FunctionElement[bool]):
    inherit_cache = True


@compiles(_IsAmong, "postgresql")
def _is_among_on_postgresql(element: _IsAmong, compiler: SQLCompiler, **options: Any) -> str:
    moment, moments = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{moment} = ANY ({moments})"


def ranges_table(name: Literal["whole", "shortest"]) -> TableValuedAlias:
    """Return a table with the columns of `TimeRange`, whose rows are those of a part of `Pieces`."""
    moments = (column(name, UtcDateTime) for name in ("start_at", "end_at"))
    columns: list[ColumnElement[Any]] = [column("bucket", Integer), column("span_seconds", Integer), *moments]
    return _Ranges(_text_of(name)).table_valued(*columns, name=name)


def bucket_of(moment: Any, ranges: TableValuedAlias) -> ColumnElement[int]:
    """Return the number of the bucket in which a moment lies that is in a row of `ranges_table`."""
    return _Bucket(ranges.c.bucket, moment, _moments(ranges.name))


class MovedRollups:
    """How a statement finds the rollups of a kind, and their buckets."""

    def __init__(self, kind: Kind, *, is_sqlite: bool) -> None:
        self._kind = kind
        columns: list[ColumnElement[Any]] = [column("bucket", Integer), column("bucket_at", UtcDateTime)]
        rows = _MovedRows(_text_of(kind.parameter)).table_valued(*columns, name="moved")
        self._rows = rows if is_sqlite else None

    def parents(self, program: Any) -> FromClause:
        """Return what to look rollups up for: programs, on SQLite each with the moments."""
        programs = inspect(program).selectable
        return programs if self._rows is None else InOrder(programs, self._rows, true())

    def are(self, rollup: Any) -> ColumnElement[bool]:
        """Return whether a rollup is one of these."""
        at = rollup.bucket_at
        found = _IsAmong(at, _moments(self._kind.parameter)) if self._rows is None else at == self._rows.c.bucket_at
        return and_(rollup.span_seconds == self._kind.span_seconds, found)

    def bucket(self, rollup: Any) -> ColumnElement[int]:
        """Return the number of the bucket that one of these is added to or taken off."""
        if self._rows is not None:
            bucket: ColumnElement[int] = self._rows.c.bucket
            return bucket
        name = self._kind.parameter
        return _MovedTo(rollup.bucket_at, _moments(name), _text_of(f"{name}_buckets"))


def _moments(part: str) -> _Moments:
    return _Moments(_text_of(f"{part}_moments"))


def _text_of(parameter: str) -> Any:
    # An array as a text, too: the driver takes longer to write one down than all the rest.
    return bindparam(parameter, type_=Text)


def piece_values(pieces: Pieces, *, is_sqlite: bool) -> dict[str, str]:
    """Return the parameters of a statement with `ranges_table` or `MovedRollups`."""
    values: dict[str, str] = {}
    # Between midnights that are not the buckets' own, only the range of days starts where its bucket's rows do.
    days_only = bool(pieces.moved)
    for name, ranges, longest_only in (("whole", pieces.whole, days_only), ("shortest", pieces.shortest, False)):
        values |= {name: _json(ranges)} if is_sqlite else _joined_values(name, ranges, longest_only=longest_only)
    for kind, moved in _by_kind(pieces.moved).items():
        name, rows = kind.parameter, sorted(moved)
        if is_sqlite:
            values[name] = _json((bucket, at) for at, bucket in rows)
        else:
            values[f"{name}_moments"] = _array(at.timestamp() for at, _ in rows)
            values[f"{name}_buckets"] = _array(bucket for _, bucket in rows)
    return values


def _by_kind(moved: Iterable[Moved]) -> Mapping[Kind, Sequence[tuple[datetime, int]]]:
    """Return moments and buckets; of one kind, no moment is there twice."""
    kinds: defaultdict[Kind, list[tuple[datetime, int]]] = defaultdict(list)
    for kind, bucket, at in moved:
        kinds[kind].append((at, bucket))
    return kinds


def _joined_values(name: str, ranges: Sequence[TimeRange], *, longest_only: bool) -> dict[str, str]:
    """Return ranges of which those that touch are one, all or only those of the longest span; and the moments at which
    their buckets start."""
    longest = max((each.span_seconds for each in ranges), default=EVENTS)
    joined = [each for each in ranges if not longest_only or each.span_seconds == longest]
    rows = [*_joined(joined), *(each for each in ranges if longest_only and each.span_seconds != longest)]
    return {name: _json(rows), f"{name}_moments": _array(start.timestamp() for start in _starts(joined))}


def _joined(ranges: Iterable[TimeRange]) -> Iterator[TimeRange]:
    former: TimeRange | None = None
    for one in ranges:
        if former is not None and (former.span_seconds, former.end_at) == (one.span_seconds, one.start_at):
            former = former._replace(bucket=None, end_at=one.end_at)
            continue
        if former is not None:
            yield former
        former = one
    if former is not None:
        yield former


def _starts(ranges: Iterable[TimeRange]) -> Sequence[datetime]:
    """Return where each bucket's first range starts; for a bucket without any, the next one's start."""
    starts: list[datetime] = []
    for bucket, _, start, _ in ranges:
        starts += [start] * ((bucket or 0) + 1 - len(starts))
    return starts


def _array(numbers: Iterable[float]) -> str:
    # Each is the double that is nearest.
    return f"{{{','.join(map(str, numbers))}}}"


def _json(rows: Iterable[tuple[Any, ...]]) -> str:
    return json.dumps([[_text(value) if isinstance(value, datetime) else value for value in row] for row in rows])


def _text(moment: datetime) -> str:
    """Return a moment as SQLite stores it, where it is compared as text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
