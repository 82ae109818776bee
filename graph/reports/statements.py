"""The SQL of click reports.

Each statement adds up four parts: rollups, rollups moved from one bucket to another, events that are not in rollups
yet, and events in the odd minutes at the ends of a period. Events are clicks, or the bookings of conversions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    inspect,
    join,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import TableValuedAlias

from db.rollups.buckets import EVENTS, Form, Kind, MovedRollups, bucket_of, ranges_table
from db.rollups.sources import CLICKS, CONVERSIONS, RollupSource
from db.schema.outbox import OutboxRange
from db.schema.programs import Program
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import Texts, among, quarter_of
from db.sql.top_n_per_group import InOrder, Joined, rows_of
from graph.domain.scope import Condition
from graph.reports.filters import ClickSelection, RankingDimension, event_value, is_of_visit

SumsSelect = Select[*tuple[Any, ...]]
# There are a few dozen forms of requests, times the dimensions.
CACHED_STATEMENTS = 512
IS_BOT = "is_bot"


@lru_cache(CACHED_STATEMENTS)
def series(selection: ClickSelection, form: Form, *, is_sqlite: bool) -> CompiledQuery:
    """Select the sums of `COUNTERS` for each bucket that has clicks, after the number of the bucket."""
    sums = _Sums(CLICKS, selection, None, form, is_sqlite).all()
    return CompiledQuery(_totals(CLICKS, sums, sums.c.key))


@lru_cache(CACHED_STATEMENTS)
def ranking(
    selection: ClickSelection, by: RankingDimension, is_bot: bool | None, form: Form, *, is_sqlite: bool
) -> CompiledQuery:
    """Select the sums of `COUNTERS` for the values with the most clicks, after the value, up to the parameter `limit`.
    `is_bot` restricts the ranking to clicks by bots or by people."""
    sums = _Sums(CLICKS, selection, by, form, is_sqlite).all()
    people, bots = _total(sums.c.people), _total(sums.c.bots)
    clicks = people + bots if is_bot is None else bots if is_bot else people
    ranked = _totals(CLICKS, sums, sums.c.key)
    return CompiledQuery(ranked.having(clicks > 0).order_by(clicks.desc(), sums.c.key).limit(bindparam("limit")))


@lru_cache(CACHED_STATEMENTS)
def conversion_series(selection: ClickSelection, is_bot: bool | None, form: Form, *, is_sqlite: bool) -> CompiledQuery:
    """Select leads, sales, revenue and earnings of each bucket and currency, after the bucket's number and the
    currency. `is_bot` restricts them to those of bots' or of people's clicks."""
    sums = _Sums(CONVERSIONS, selection, None, form, is_sqlite, is_bot).all()
    return CompiledQuery(_totals(CONVERSIONS, sums, sums.c.key, sums.c.currency))


@lru_cache(CACHED_STATEMENTS)
def conversion_ranking(
    selection: ClickSelection, by: RankingDimension, is_bot: bool | None, form: Form, *, is_sqlite: bool
) -> CompiledQuery:
    """Select leads, sales, revenue and earnings by value and currency, after these two: first of the values in the
    parameter `values`, then of those with the most sales and leads, up to the parameter `limit` of values."""
    sums = _Sums(CONVERSIONS, selection, by, form, is_sqlite, is_bot).all()
    totals = _totals(CONVERSIONS, sums, sums.c.key, sums.c.currency).cte("totals")
    found = or_(*(totals.c[name] != 0 for name in CONVERSIONS.counters))
    # An untyped condition is no number on PostgreSQL.
    is_given = case((among(totals.c.key, bindparam("values", type_=Texts())), 0), else_=1)
    order = (is_given, _total(totals.c.sales).desc(), _total(totals.c.leads).desc(), totals.c.key)
    best = (
        select(totals.c.key).where(found).group_by(totals.c.key).order_by(*order).limit(bindparam("limit")).subquery()
    )
    return CompiledQuery(select(*totals.c).join(best, best.c.key == totals.c.key))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by value, or by bucket if there is no dimension, and by what rollups are kept apart by."""

    source: RollupSource
    selection: ClickSelection
    by: RankingDimension | None
    form: Form
    is_sqlite: bool
    is_bot: bool | None = None
    """Restricts bookings to those of bots' or of people's clicks. Clicks of both are counted beside each other."""

    def all(self) -> Subquery:
        """Return the sums from all parts, several per value or bucket."""
        moved = (self.moved_of(kind) for kind in self.form.moved)
        # On PostgreSQL, looking for events that cannot exist takes as long as reading twenty rows.
        left_over = [self.left_over()] if self.form.has_events else []
        return union_all(self.rollups(), *moved, self.waiting(), *left_over).subquery("sums")

    def rollups(self) -> SumsSelect:
        """Select the rollups of the ranges."""
        selection, ranges, program = self.selection, ranges_table("whole"), aliased(Program)

        def conditions(rollup: Any) -> Sequence[Condition]:
            return [
                *self._rollups(rollup, program),
                rollup.span_seconds == ranges.c.span_seconds,
                _within(rollup.bucket_at, ranges),
            ]

        parents = _with_ranges(program, ranges, selection.programs(program))
        source, rollup = self._rows_of(parents, self.source.rollup, conditions)
        key = bucket_of(rollup.bucket_at, ranges) if self.by is None else selection.rollup_value(rollup, self.by)
        counts = (getattr(rollup, name) for name in self.source.counters)
        return select(key.label("key"), *self._apart(rollup), *counts).select_from(source)

    def moved_of(self, kind: Kind) -> SumsSelect:
        """Select the rollups of one kind that are added to a bucket or subtracted from it."""
        selection, moved, program = self.selection, MovedRollups(kind, is_sqlite=self.is_sqlite), aliased(Program)

        def conditions(rollup: Any) -> Sequence[Condition]:
            return [*self._rollups(rollup, program), moved.are(rollup)]

        source, rollup = self._rows_of(moved.parents(program), self.source.rollup, conditions)
        key = moved.bucket(rollup) if self.by is None else selection.rollup_value(rollup, self.by)
        counts = ((kind.weight * getattr(rollup, name)).label(name) for name in self.source.counters)
        found = select(key.label("key"), *self._apart(rollup), *counts).select_from(source)
        return found.where(*selection.programs(program))

    def waiting(self) -> SumsSelect:
        """Select the queued events, which are not in rollups yet. There may be many of them and many ranges, so they
        are first summed by quarter of an hour: no range splits one."""
        selection, ranges, program = self.selection, ranges_table("shortest"), aliased(Program)
        known = and_(program.id == OutboxRange.program_id, *selection.programs(program))
        queue = join(OutboxRange, program, known)
        # The scope is checked on the few events found: in the join, it would lead the planner to another index than the
        # key.
        source, event = self._rows_of(queue, self.source.event, lambda event: [self.source.covers(event)])
        source, click = self._clicked(source, event)
        quarter = quarter_of(event.occurred_at).label("quarter_at")
        values = [] if self.by is None else [event_value(event, click, self.by).label("value")]
        keys: list[ColumnElement[Any]] = [quarter, *values, *self._apart(event)]
        found = select(*keys, *self.source.counts(event)).select_from(source)
        conditions = (self.source.waiting, *selection.events(event), *self._of_bots(click))
        summed = found.where(*conditions).group_by(*keys).subquery("queue")
        key = bucket_of(summed.c.quarter_at, ranges) if self.by is None else summed.c.value
        inside = and_(ranges.c.span_seconds != EVENTS, _within(summed.c.quarter_at, ranges))
        sums = [summed.c[name] for name in (*self._apart_by, *self.source.counters)]
        return select(key.label("key"), *sums).join_from(summed, ranges, inside)

    def left_over(self) -> SumsSelect:
        """Select the events of the ranges that have no rollups."""
        selection, ranges, program = self.selection, ranges_table("shortest"), aliased(Program)

        def conditions(event: Any) -> Sequence[Condition]:
            return [event.program_id == program.id, _within(event.occurred_at, ranges), *selection.events(event)]

        parents = _with_ranges(program, ranges, [ranges.c.span_seconds == EVENTS, *selection.programs(program)])
        source, event = self._rows_of(parents, self.source.event, conditions)
        source, click = self._clicked(source, event)
        key = bucket_of(event.occurred_at, ranges) if self.by is None else event_value(event, click, self.by)
        keys = [key.label("key"), *self._apart(event)]
        found = select(*keys, *self.source.counts(event)).select_from(source)
        return found.where(*self._of_bots(click)).group_by(*keys)

    @property
    def _apart_by(self) -> Sequence[str]:
        """The columns by which sums are kept apart, besides value or bucket."""
        return [name for name in self.source.keys if name != IS_BOT]

    def _apart(self, row: Any) -> Sequence[ColumnElement[Any]]:
        return [getattr(row, name) for name in self._apart_by]

    def _of_bots(self, row: Any) -> Sequence[Condition]:
        return [] if self.is_bot is None else [row.is_bot if self.is_bot else not_(row.is_bot)]

    def _clicked(self, source: FromClause, event: Any) -> Joined:
        """Join events with their clicks, if anything depends on them."""
        if is_of_visit(self.by) or self.is_bot is not None:
            return self.source.clicked(source, event, is_sqlite=self.is_sqlite)
        return Joined(source, event)

    def _rollups(self, rollup: Any, program: Any) -> Sequence[Condition]:
        return [
            rollup.program_id == program.id,
            *self.selection.rollups(rollup, program),
            rollup.dimension == self.selection.dimension(self.by),
            *self._of_bots(rollup),
        ]

    def _rows_of(self, parents: Any, table: Any, conditions: Callable[[Any], Sequence[Condition]]) -> Joined:
        return rows_of(parents, table, conditions, is_sqlite=self.is_sqlite)


def _with_ranges(program: Any, ranges: TableValuedAlias, conditions: Sequence[Condition]) -> InOrder:
    """Return the programs, each with the ranges, that meet the conditions."""
    return InOrder(inspect(program).selectable, ranges, and_(*conditions))


def _within(moment: Any, ranges: TableValuedAlias) -> ColumnElement[bool]:
    return and_(moment >= ranges.c.start_at, moment < ranges.c.end_at)


def _totals(source: RollupSource, sums: Subquery, *keys: ColumnElement[Any]) -> SumsSelect:
    return select(*keys, *(_total(sums.c[name]).label(name) for name in source.counters)).group_by(*keys)


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)
