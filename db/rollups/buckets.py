"""Time as reports ask for it, in statements: ranges of it, and single rollups, each with the bucket that it counts in.

The two databases want them in different forms, which `db.rollups.bucket_parameters` writes. SQLite goes through a table
and looks each row up. To PostgreSQL a look-up costs as much as ten rows: it finds more at once, and tells a row's
bucket by its moment."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Text,
    and_,
    bindparam,
    column,
    inspect,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias

from db.schema.columns import UtcDateTime
from db.sql.top_n_per_group import InOrder

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
        """What the names of its parameters begin with."""
        return f"{'added' if self.weight > 0 else 'taken'}_{self.span_seconds}"


class Moved(NamedTuple):
    """The rollups that begin at one moment, and the bucket that they are added to or taken off."""

    kind: Kind
    bucket: int
    bucket_at: datetime


class Form(NamedTuple):
    """What about pieces makes a difference to the statement that adds them up, apart from its values."""

    moved: tuple[Kind, ...]
    """The kinds of the rollups that are moved."""
    has_events: bool
    """Whether there are ranges whose events are counted."""


class Pieces(NamedTuple):
    """What buckets are made of: the rollups of whole ranges, and some that are moved. In other words, it is the ranges
    that have rollups of the shortest span, and those that have none."""

    whole: Sequence[TimeRange]
    moved: Sequence[Moved]
    shortest: Sequence[TimeRange]

    @property
    def form(self) -> Form:
        """What the statement needs to know when it is put together."""
        moved = tuple(sorted({each.kind for each in self.moved}))
        return Form(moved, any(each.span_seconds == EVENTS for each in self.shortest))


class _Ranges(FunctionElement[Any]):
    """The rows of a JSON parameter that `bucket_values` wrote."""

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
    return f"(SELECT {', '.join(items)} FROM json_each({json_text}))"  # noqa: S608  names of our own


class _Moments(FunctionElement[Any]):
    """An array of the moments in a text that `bucket_values` wrote; PostgreSQL's."""

    inherit_cache = True


@compiles(_Moments, "postgresql")
def _moments_on_postgresql(element: _Moments, compiler: SQLCompiler, **options: Any) -> str:
    # They become moments once; to make each moment a number would take longer than to find its row.
    numbers = f"unnest(CAST({compiler.process(element.clauses, **options)} AS double precision[]))"
    ordered = f"{numbers} WITH ORDINALITY AS moments (moment, place) ORDER BY place"
    return f"ARRAY(SELECT to_timestamp(moment) FROM {ordered})"  # noqa: S608  names of our own


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
    # The cast makes it an array; ANY of a query would compare with its rows.
    return f"{moment} = ANY ({moments}::timestamptz[])"


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


@cache
def _moments(part: str) -> ScalarSelect[Any]:
    """Return the array, which a statement makes once and uses in several places."""
    name = f"{part}_moments"
    return select(select(_Moments(_text_of(name)).label("moments")).cte(name).c.moments).scalar_subquery()


def _text_of(parameter: str) -> Any:
    # An array as a text, too: the driver takes longer to write one down than all the rest.
    return bindparam(parameter, type_=Text)
