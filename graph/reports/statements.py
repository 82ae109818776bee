"""The statements of click reports. Each adds up three things: the rollups, the events that these do not contain yet,
and the events in the odd minutes at the ends of a span.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, bindparam, cast, func, select, union_all
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import TableValuedAlias

from db.dimensions import COUNTERS, counts_of
from db.expressions import bucket_of, quarter_of, ranges_table
from db.queries import Query
from db.rollups import WAITING, queued
from db.tables import ClickEvent, ClickRollup, Program, QueuedClicks
from graph.reports.ranges import EVENTS
from graph.reports.selection import By, Selection, event_value

Statement = Select[*tuple[Any, ...]]
# What is selected takes a few dozen forms, times what can be ranked.
KEPT_FORMS = 512


@lru_cache(KEPT_FORMS)
def series(selection: Selection) -> Query:
    """Select the sums of `COUNTERS`, after the bucket's number, for each bucket in which there were clicks."""
    sums = _sums(selection, None)
    return Query(select(sums.c.key, *(_total(sums.c[name]) for name in COUNTERS)).group_by(sums.c.key))


@lru_cache(KEPT_FORMS)
def ranking(selection: Selection, by: By, is_bot: bool | None) -> Query:
    """Select the sums of `COUNTERS`, after the value, for the values with most clicks, as many as `limit` says. With
    `is_bot`, only a bot's or only people's clicks count."""
    sums = _sums(selection, by)
    people, bots = _total(sums.c.people), _total(sums.c.bots)
    clicks = people + bots if is_bot is None else bots if is_bot else people
    ranked = select(sums.c.key, *(_total(sums.c[name]) for name in COUNTERS)).group_by(sums.c.key)
    return Query(ranked.having(clicks > 0).order_by(clicks.desc(), sums.c.key).limit(bindparam("limit")))


def _sums(selection: Selection, by: By | None) -> Subquery:
    """Return sums by bucket or by value, up to three of each. No click is in two of them."""
    return union_all(_folded(selection, by), _waiting(selection, by), _left_over(selection, by)).subquery("sums")


def _folded(selection: Selection, by: By | None) -> Statement:
    ranges, program, rollup = ranges_table(), aliased(Program), aliased(ClickRollup)
    key = bucket_of(rollup.bucket_at, ranges) if by is None else selection.rollup_value(rollup, by)
    return (
        select(key.label("key"), *(func.sum(getattr(rollup, name)).label(name) for name in COUNTERS))
        .select_from(ranges)
        .join(program, and_(*selection.programs(program)))
        .join(rollup, and_(rollup.program_id == program.id, *selection.rollups(rollup, program)))
        .where(
            rollup.dimension == selection.dimension(by),
            rollup.span_seconds == ranges.c.span_seconds,
            _within(rollup.bucket_at, ranges),
        )
        .group_by(key)
    )


def _waiting(selection: Selection, by: By | None) -> Statement:
    """Select the queued events that will be in rollups of the ranges. There may be many, and many ranges: summed up by
    the quarter of an hour first, of which no such range has a part only."""
    ranges, program, event = ranges_table(), aliased(Program), aliased(ClickEvent)
    quarter = quarter_of(event.occurred_at).label("quarter_at")
    values = [] if by is None else [event_value(event, by).label("value")]
    queue = (
        select(quarter, *values, *counts_of(event))
        .select_from(QueuedClicks)
        .join(program, and_(program.id == QueuedClicks.program_id, *selection.programs(program)))
        .join(event, and_(queued(event), *selection.events(event)))
        .where(WAITING)
        .group_by(quarter, *values)
        .subquery("queue")
    )
    key = bucket_of(queue.c.quarter_at, ranges) if by is None else queue.c.value
    return (
        select(key.label("key"), *(func.sum(queue.c[name]).label(name) for name in COUNTERS))
        .join_from(queue, ranges, and_(ranges.c.span_seconds != EVENTS, _within(queue.c.quarter_at, ranges)))
        .group_by(key)
    )


def _left_over(selection: Selection, by: By | None) -> Statement:
    ranges, program, event = ranges_table(), aliased(Program), aliased(ClickEvent)
    key = bucket_of(event.occurred_at, ranges) if by is None else event_value(event, by)
    return (
        select(key.label("key"), *counts_of(event))
        .select_from(ranges)
        .join(program, and_(ranges.c.span_seconds == EVENTS, *selection.programs(program)))
        .join(event, and_(event.program_id == program.id, _within(event.occurred_at, ranges)))
        .where(*selection.events(event))
        .group_by(key)
    )


def _within(moment: Any, ranges: TableValuedAlias) -> ColumnElement[bool]:
    return and_(moment >= ranges.c.start_at, moment < ranges.c.end_at)


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)
