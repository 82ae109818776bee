"""The SQL of click reports.

Each statement adds up four sources: rollups, rollups moved from one bucket to another, events that are not in rollups
yet, and events in the odd minutes at the ends of a period.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    cast,
    func,
    inspect,
    join,
    select,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import TableValuedAlias

from db.outbox.conditions import covers
from db.rollups.buckets import EVENTS, Form, Kind, MovedRollups, bucket_of, ranges_table
from db.rollups.dimensions import COUNTERS, counts_of
from db.rollups.statements import WAITING
from db.schema.clicks import ClickEvent
from db.schema.outbox import OutboxRange
from db.schema.programs import Program
from db.schema.rollups import ClickRollup
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import quarter_of
from db.sql.top_n_per_group import InOrder, Joined, rows_of
from graph.domain.scope import Condition
from graph.reports.filters import ClickSelection, RankingDimension, event_value

SumsSelect = Select[*tuple[Any, ...]]
# There are a few dozen forms of requests, times the dimensions.
CACHED_STATEMENTS = 512


@lru_cache(CACHED_STATEMENTS)
def series(selection: ClickSelection, form: Form, *, is_sqlite: bool) -> CompiledQuery:
    """Select the sums of `COUNTERS` for each bucket that has clicks, after the number of the bucket."""
    sums = _Sums(selection, None, form, is_sqlite).all()
    return CompiledQuery(select(sums.c.key, *(_total(sums.c[name]) for name in COUNTERS)).group_by(sums.c.key))


@lru_cache(CACHED_STATEMENTS)
def ranking(
    selection: ClickSelection, by: RankingDimension, is_bot: bool | None, form: Form, *, is_sqlite: bool
) -> CompiledQuery:
    """Select the sums of `COUNTERS` for the values with the most clicks, after the value, up to the parameter `limit`.
    `is_bot` restricts the ranking to clicks by bots or by people."""
    sums = _Sums(selection, by, form, is_sqlite).all()
    people, bots = _total(sums.c.people), _total(sums.c.bots)
    clicks = people + bots if is_bot is None else bots if is_bot else people
    ranked = select(sums.c.key, *(_total(sums.c[name]) for name in COUNTERS)).group_by(sums.c.key)
    return CompiledQuery(ranked.having(clicks > 0).order_by(clicks.desc(), sums.c.key).limit(bindparam("limit")))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by value, or by bucket if there is no dimension."""

    selection: ClickSelection
    by: RankingDimension | None
    form: Form
    is_sqlite: bool

    def all(self) -> Subquery:
        """Return the sums from all sources, several per value or bucket."""
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
        source, rollup = self._rows_of(parents, ClickRollup, conditions)
        key = bucket_of(rollup.bucket_at, ranges) if self.by is None else selection.rollup_value(rollup, self.by)
        return select(key.label("key"), *(getattr(rollup, name) for name in COUNTERS)).select_from(source)

    def moved_of(self, kind: Kind) -> SumsSelect:
        """Select the rollups of one kind that are added to a bucket or subtracted from it."""
        selection, moved, program = self.selection, MovedRollups(kind, is_sqlite=self.is_sqlite), aliased(Program)

        def conditions(rollup: Any) -> Sequence[Condition]:
            return [*self._rollups(rollup, program), moved.are(rollup)]

        source, rollup = self._rows_of(moved.parents(program), ClickRollup, conditions)
        key = moved.bucket(rollup) if self.by is None else selection.rollup_value(rollup, self.by)
        counts = ((kind.weight * getattr(rollup, name)).label(name) for name in COUNTERS)
        return select(key.label("key"), *counts).select_from(source).where(*selection.programs(program))

    def waiting(self) -> SumsSelect:
        """Select the queued events, which are not in rollups yet. There may be many of them and many ranges, so they
        are first summed by quarter of an hour: no range splits one."""
        selection, ranges, program = self.selection, ranges_table("shortest"), aliased(Program)
        known = and_(program.id == OutboxRange.program_id, *selection.programs(program))
        queue = join(OutboxRange, program, known)
        # The scope is checked on the few events found: in the join, it would lead the planner to another index than the
        # key.
        source, event = self._rows_of(queue, ClickEvent, lambda event: [covers(event)])
        quarter = quarter_of(event.occurred_at).label("quarter_at")
        values = [] if self.by is None else [event_value(event, self.by).label("value")]
        found = select(quarter, *values, *counts_of(event)).select_from(source)
        summed = found.where(WAITING, *selection.events(event)).group_by(quarter, *values).subquery("queue")
        key = bucket_of(summed.c.quarter_at, ranges) if self.by is None else summed.c.value
        inside = and_(ranges.c.span_seconds != EVENTS, _within(summed.c.quarter_at, ranges))
        return select(key.label("key"), *(summed.c[name] for name in COUNTERS)).join_from(summed, ranges, inside)

    def left_over(self) -> SumsSelect:
        """Select the events of the ranges that have no rollups."""
        selection, ranges, program = self.selection, ranges_table("shortest"), aliased(Program)

        def conditions(event: Any) -> Sequence[Condition]:
            return [event.program_id == program.id, _within(event.occurred_at, ranges), *selection.events(event)]

        parents = _with_ranges(program, ranges, [ranges.c.span_seconds == EVENTS, *selection.programs(program)])
        source, event = self._rows_of(parents, ClickEvent, conditions)
        key = bucket_of(event.occurred_at, ranges) if self.by is None else event_value(event, self.by)
        return select(key.label("key"), *counts_of(event)).select_from(source).group_by(key)

    def _rollups(self, rollup: Any, program: Any) -> Sequence[Condition]:
        return [
            rollup.program_id == program.id,
            *self.selection.rollups(rollup, program),
            rollup.dimension == self.selection.dimension(self.by),
        ]

    def _rows_of(self, parents: Any, table: Any, conditions: Callable[[Any], Sequence[Condition]]) -> Joined:
        return rows_of(parents, table, conditions, is_sqlite=self.is_sqlite)


def _with_ranges(program: Any, ranges: TableValuedAlias, conditions: Sequence[Condition]) -> InOrder:
    """Return the programs, each with the ranges, that meet the conditions."""
    return InOrder(inspect(program).selectable, ranges, and_(*conditions))


def _within(moment: Any, ranges: TableValuedAlias) -> ColumnElement[bool]:
    return and_(moment >= ranges.c.start_at, moment < ranges.c.end_at)


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)
