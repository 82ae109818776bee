"""The statements of click reports. Each adds up four things: rollups, those that are moved from one bucket to another,
the events that rollups do not contain yet, and the events in the odd minutes at the ends of a span.
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

from db.rollups.buckets import EVENTS, Form, Kind, MovedRollups, bucket_of, ranges_table
from db.rollups.dimensions import COUNTERS, counts_of
from db.rollups.statements import WAITING, queued
from db.schema.clicks import ClickEvent
from db.schema.programs import Program
from db.schema.rollups import ClickRollup, QueuedClicks
from db.sql.compiled_queries import CompiledQuery
from db.sql.functions import quarter_of
from db.sql.top_n_per_group import InOrder, Joined, rows_of
from graph.domain.scope import Condition
from graph.reports.filters import By, Selection, event_value

Statement = Select[*tuple[Any, ...]]
# What is selected takes a few dozen forms, times what can be ranked.
KEPT_FORMS = 512


@lru_cache(KEPT_FORMS)
def series(selection: Selection, form: Form, *, is_sqlite: bool) -> CompiledQuery:
    """Select the sums of `COUNTERS`, after the bucket's number, for each bucket in which there were clicks."""
    sums = _Sums(selection, None, form, is_sqlite).all()
    return CompiledQuery(select(sums.c.key, *(_total(sums.c[name]) for name in COUNTERS)).group_by(sums.c.key))


@lru_cache(KEPT_FORMS)
def ranking(selection: Selection, by: By, is_bot: bool | None, form: Form, *, is_sqlite: bool) -> CompiledQuery:
    """Select the sums of `COUNTERS`, after the value, for the values with most clicks, as many as `limit` says. With
    `is_bot`, only a bot's or only people's clicks count."""
    sums = _Sums(selection, by, form, is_sqlite).all()
    people, bots = _total(sums.c.people), _total(sums.c.bots)
    clicks = people + bots if is_bot is None else bots if is_bot else people
    ranked = select(sums.c.key, *(_total(sums.c[name]) for name in COUNTERS)).group_by(sums.c.key)
    return CompiledQuery(ranked.having(clicks > 0).order_by(clicks.desc(), sums.c.key).limit(bindparam("limit")))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by value, or else by bucket."""

    selection: Selection
    by: By | None
    form: Form
    is_sqlite: bool

    def all(self) -> Subquery:
        """Return the sums of each value or bucket, which together make up its clicks."""
        moved = (self.moved_of(kind) for kind in self.form.moved)
        # To look for what cannot be there takes PostgreSQL as long as to read twenty rows.
        left_over = [self.left_over()] if self.form.has_events else []
        return union_all(self.folded(), *moved, self.waiting(), *left_over).subquery("sums")

    def folded(self) -> Statement:
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

    def moved_of(self, kind: Kind) -> Statement:
        """Select the rollups of a kind, which are added to a bucket or taken off one."""
        selection, moved, program = self.selection, MovedRollups(kind, is_sqlite=self.is_sqlite), aliased(Program)

        def conditions(rollup: Any) -> Sequence[Condition]:
            return [*self._rollups(rollup, program), moved.are(rollup)]

        source, rollup = self._rows_of(moved.parents(program), ClickRollup, conditions)
        key = moved.bucket(rollup) if self.by is None else selection.rollup_value(rollup, self.by)
        counts = ((kind.weight * getattr(rollup, name)).label(name) for name in COUNTERS)
        return select(key.label("key"), *counts).select_from(source).where(*selection.programs(program))

    def waiting(self) -> Statement:
        """Select the queued events that will be in rollups. There may be many, and many ranges: summed up by the
        quarter of an hour first, of which no such range has a part only."""
        selection, ranges, program = self.selection, ranges_table("shortest"), aliased(Program)
        known = and_(program.id == QueuedClicks.program_id, *selection.programs(program))
        queue = join(QueuedClicks, program, known)
        # Whose they are is asked of the few that were found, or another index would look better than the key.
        source, event = self._rows_of(queue, ClickEvent, lambda event: [queued(event)])
        quarter = quarter_of(event.occurred_at).label("quarter_at")
        values = [] if self.by is None else [event_value(event, self.by).label("value")]
        found = select(quarter, *values, *counts_of(event)).select_from(source)
        summed = found.where(WAITING, *selection.events(event)).group_by(quarter, *values).subquery("queue")
        key = bucket_of(summed.c.quarter_at, ranges) if self.by is None else summed.c.value
        inside = and_(ranges.c.span_seconds != EVENTS, _within(summed.c.quarter_at, ranges))
        return select(key.label("key"), *(summed.c[name] for name in COUNTERS)).join_from(summed, ranges, inside)

    def left_over(self) -> Statement:
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
    """Return programs, each with the ranges, as far as conditions hold."""
    return InOrder(inspect(program).selectable, ranges, and_(*conditions))


def _within(moment: Any, ranges: TableValuedAlias) -> ColumnElement[bool]:
    return and_(moment >= ranges.c.start_at, moment < ranges.c.end_at)


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)
