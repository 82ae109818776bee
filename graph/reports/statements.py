"""The SQL of click reports.

Each statement adds up four parts: rollups, rollups moved from one bucket to another, events that are not in rollups
yet, and events in the odd minutes at the ends of a period. Events are clicks, or the bookings of conversions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from cachetools import LRUCache, cached
from cachetools.keys import hashkey
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Text,
    and_,
    cast,
    exists,
    func,
    inspect,
    join,
    not_,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import TableValuedAlias

from db.rollups.buckets import EVENTS, Form, Kind, MovedRollups, bucket_of, ranges_table
from db.rollups.sources import CLICKS, RollupSource
from db.schema.outbox import OutboxRange
from db.schema.programs import Program
from db.sql.compiled_queries import DialectQuery, compile_for
from db.sql.functions import quarter_of
from db.sql.top_n_per_group import InOrder, Joined, rows_of
from graph.domain.scope import Condition
from graph.reports.filters import ClickSelection

SumsSelect = Select[*tuple[Any, ...]]
# A statement takes between 10 and 100 KB. There are thousands of them: one for each combination of filters, columns of
# segments, and what periods in a time zone are made of. A dashboard uses a few dozen.
CACHE_BYTES = 16 * 1024 * 1024
cached_statements: LRUCache[object, DialectQuery] = LRUCache(CACHE_BYTES, getsizeof=attrgetter("size_bytes"))
CURRENCY = "currency"
# Sums of clicks have none. Those of conversions always have one, which may be empty.
NO_CURRENCY = cast(null(), Text).label(CURRENCY)


class Asked(NamedTuple):
    """What every statement of a report depends on. `is_bot` restricts it to bots' or to people's clicks and their
    conversions."""

    selection: ClickSelection
    is_bot: bool | None
    form: Form
    is_sqlite: bool


@cached(cached_statements, key=partial(hashkey, "series"))
def series(asked: Asked, *sources: RollupSource) -> DialectQuery:
    """Select the sums of each bucket that has any. A row has the number of the bucket, and then for clicks NULL and the
    sums of `COUNTERS`; for conversions a currency, leads, sales, revenue and earnings."""
    found = [_totals(source, _Sums(source, asked).all()) for source in sources]
    return compile_for(found[0] if len(found) == 1 else union_all(*found), is_sqlite=asked.is_sqlite)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by bucket, and by what rollups are kept apart by."""

    source: RollupSource
    asked: Asked

    def all(self) -> Subquery:
        """Return the sums from all parts, several per bucket."""
        moved = (self.moved_of(kind) for kind in self.asked.form.moved)
        # On PostgreSQL, looking for events that cannot exist takes as long as reading twenty rows.
        left_over = [self.left_over()] if self.asked.form.has_events else []
        return union_all(self.rollups(), *moved, self.waiting(), *left_over).subquery("sums")

    def rollups(self) -> SumsSelect:
        """Select the rollups of the ranges."""
        ranges, program = ranges_table("whole"), aliased(Program)

        def conditions(rollup: Any) -> Sequence[Condition]:
            return [
                *self._rollups(rollup, program),
                rollup.span_seconds == ranges.c.span_seconds,
                _within(rollup.bucket_at, ranges),
            ]

        parents = _with_ranges(program, ranges, self._programs(program))
        source, rollup = self._rows_of(parents, self.source.rollup, conditions)
        key = bucket_of(rollup.bucket_at, ranges)
        counts = self.source.rolled_up(rollup, self.asked.is_bot)
        return select(key.label("key"), *self._apart(rollup), *counts).select_from(source)

    def moved_of(self, kind: Kind) -> SumsSelect:
        """Select the rollups of one kind that are added to a bucket or subtracted from it."""
        program = aliased(Program)
        moved = MovedRollups(kind, is_sqlite=self.asked.is_sqlite)

        def conditions(rollup: Any) -> Sequence[Condition]:
            return [*self._rollups(rollup, program), moved.are(rollup)]

        source, rollup = self._rows_of(moved.parents(program), self.source.rollup, conditions)
        key = moved.bucket(rollup)
        counted = zip(self.source.reported, self.source.rolled_up(rollup, self.asked.is_bot), strict=True)
        counts = ((kind.weight * count).label(name) for name, count in counted)
        found = select(key.label("key"), *self._apart(rollup), *counts).select_from(source)
        return found.where(*self._programs(program))

    def waiting(self) -> SumsSelect:
        """Select the queued events, which are not in rollups yet. There may be many of them and many ranges, so they
        are first summed by quarter of an hour: no range splits one."""
        selection, ranges, program = self.asked.selection, ranges_table("shortest"), aliased(Program)
        queue = join(OutboxRange, program, program.id == OutboxRange.program_id)
        # The scope is checked on the few events found: in the join, it would lead the planner to another index than the
        # key.
        source, event = self._rows_of(queue, self.source.event, lambda event: [self.source.covers(event)])
        source, click = self._clicked(source, event)
        quarter = quarter_of(event.occurred_at).label("quarter_at")
        keys: list[ColumnElement[Any]] = [quarter, *self._apart(event)]
        found = select(*keys, *self.source.counts(event)).select_from(source)
        conditions = (*selection.programs(program), self.source.waiting, *selection.events(event))
        summed = found.where(*conditions, *self._of_bots(click)).group_by(*keys).subquery("queue")
        key = bucket_of(summed.c.quarter_at, ranges)
        inside = and_(ranges.c.span_seconds != EVENTS, _within(summed.c.quarter_at, ranges))
        sums = [summed.c[name] for name in (*self.source.keys, *self.source.reported)]
        return select(key.label("key"), *sums).join_from(summed, ranges, inside)

    def left_over(self) -> SumsSelect:
        """Select the events of the ranges that have no rollups."""
        selection, ranges, program = self.asked.selection, ranges_table("shortest"), aliased(Program)

        def conditions(event: Any) -> Sequence[Condition]:
            return [event.program_id == program.id, _within(event.occurred_at, ranges), *selection.events(event)]

        parents = _with_ranges(program, ranges, [ranges.c.span_seconds == EVENTS, *selection.programs(program)])
        source, event = self._rows_of(parents, self.source.event, conditions)
        source, click = self._clicked(source, event)
        key = bucket_of(event.occurred_at, ranges)
        keys = [key.label("key"), *self._apart(event)]
        found = select(*keys, *self.source.counts(event)).select_from(source)
        return found.where(*self._of_bots(click)).group_by(*keys)

    def _apart(self, row: Any) -> Sequence[ColumnElement[Any]]:
        return [getattr(row, name) for name in self.source.keys]

    def _of_bots(self, click: Any) -> Sequence[Condition]:
        """Restrict bookings to those of bots' or of people's clicks. Clicks of both are counted beside each other."""
        is_bot = self.asked.is_bot
        return [] if is_bot is None or self.source is CLICKS else [click.is_bot if is_bot else not_(click.is_bot)]

    def _clicked(self, source: FromClause, event: Any) -> Joined:
        """Join events with their clicks, if bots' are told from people's."""
        if self.asked.is_bot is not None:
            return self.source.clicked(source, event, is_sqlite=self.asked.is_sqlite)
        return Joined(source, event)

    def _programs(self, program: Any) -> Sequence[Condition]:
        """Return the conditions on programs. On SQLite, only on those with any rollups: hundreds of moments are looked
        up in each, and most programs have none of a link or a partner, and many no conversions. PostgreSQL looks up all
        of a program's moments at once."""
        rollup, selection = aliased(self.source.rollup), self.asked.selection
        if not self.asked.is_sqlite:
            return selection.programs(program)
        has_any = exists().where(rollup.program_id == program.id, *selection.subjects(rollup, program))
        return [*selection.programs(program), has_any]

    def _rollups(self, rollup: Any, program: Any) -> Sequence[Condition]:
        return [rollup.program_id == program.id, *self.asked.selection.rollups(rollup, program)]

    def _rows_of(self, parents: Any, table: Any, conditions: Callable[[Any], Sequence[Condition]]) -> Joined:
        return rows_of(parents, table, conditions, is_sqlite=self.asked.is_sqlite)


def _with_ranges(program: Any, ranges: TableValuedAlias, conditions: Sequence[Condition]) -> InOrder:
    """Return the programs, each with the ranges, that meet the conditions."""
    return InOrder(inspect(program).selectable, ranges, and_(*conditions))


def _within(moment: Any, ranges: TableValuedAlias) -> ColumnElement[bool]:
    return and_(moment >= ranges.c.start_at, moment < ranges.c.end_at)


def _totals(source: RollupSource, sums: Subquery) -> SumsSelect:
    counters = (_total(sums.c[name]).label(name) for name in source.reported)
    if CURRENCY in source.keys:
        return select(sums.c.key, sums.c.currency, *counters).group_by(sums.c.key, sums.c.currency)
    return select(sums.c.key, NO_CURRENCY, *counters).group_by(sums.c.key)


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)
