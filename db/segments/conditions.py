"""Conditions and values of questions, as Polars' expressions."""

from collections.abc import Collection, Iterator, Set

import polars as pl

from db.segments.columns import IS_BOT, TIME
from db.segments.numbering import is_numbered, numbers_of, values_of
from db.segments.questions import (
    DAY_OF_WEEK,
    HOUR_OF_DAY,
    LINK,
    PARTNER,
    PROGRAM,
    TIMES,
    Chosen,
    Condition,
    HasPrefix,
    In,
    IsKnown,
    Offset,
    Value,
)

HOUR, DAY = 3_600_000_000, 86_400_000_000
DAYS = 7
# To compare with each of a few is several times as fast as to look values up.
COMPARED_VALUES = 8
# 1970-01-01 was a Thursday.
FIRST_DAY = 3
SUBJECT_COLUMNS = {PROGRAM: "program_id", PARTNER: "partner_id", LINK: "link_id"}


def column_of(dimension: str) -> str:
    """Return the column that a dimension's values are, or are computed from."""
    return TIME.name if dimension in TIMES else SUBJECT_COLUMNS.get(dimension, dimension)


def value_of(dimension: str, chosen: Chosen) -> pl.Expr:
    """Return a dimension's value in each row, under the dimension's name."""
    if dimension == HOUR_OF_DAY:
        value = _local(chosen.offsets) // HOUR % 24
    elif dimension == DAY_OF_WEEK:
        value = (_local(chosen.offsets) // DAY + FIRST_DAY) % DAYS
    else:
        value = pl.col(column_of(dimension))
    return value.alias(dimension)


def _local(offsets: tuple[Offset, ...]) -> pl.Expr:
    """Return each row's time by the clocks of a time zone, in microseconds."""
    at, before = pl.col(TIME.name).cast(pl.Int64), offsets[0].offset
    local = at + before
    for from_at, offset in offsets[1:]:
        local += pl.when(at >= from_at).then(offset - before).otherwise(0)
        before = offset
    return local


def conditions_of(chosen: Chosen, columns: Set[str]) -> Iterator[pl.Expr]:
    """Yield the conditions on rows that have these columns: without their times, all rows are in the period."""
    if TIME.name in columns:
        yield pl.col(TIME.name).is_between(chosen.start_at, chosen.end_at, closed="left")
    if chosen.partner_ids is not None:
        yield _is_one_of(pl.col("partner_id"), chosen.partner_ids)
    if chosen.link_ids is not None:
        yield _is_one_of(pl.col("link_id"), chosen.link_ids)
    if chosen.is_bot is not None:
        yield pl.col(IS_BOT.name) == chosen.is_bot


def condition_of(condition: Condition, chosen: Chosen, schema: pl.Schema) -> pl.Expr:
    """Return a condition on the values of a dimension, for rows of a schema."""
    column = column_of(condition.dimension)
    value = value_of(condition.dimension, chosen)
    has_numbers = is_numbered(column, schema[column])
    match condition:
        case In(_, wanted, is_excluded):
            found = _is_one_of(value, numbers_of(column, wanted).to_list() if has_numbers else wanted)
            return value.is_null() | ~found if is_excluded else found
        case HasPrefix(_, prefix):
            if not has_numbers:
                return value.str.starts_with(prefix)
            return _is_one_of(value, values_of(column).str.starts_with(prefix).arg_true().to_list())
        case IsKnown(_, is_known):
            return value.is_not_null() if is_known else value.is_null()


def _is_one_of(value: pl.Expr, wanted: Collection[Value]) -> pl.Expr:
    if len(wanted) > COMPARED_VALUES:
        return value.is_in(list(wanted))
    found = pl.lit(False)
    for each in wanted:
        found |= value == each
    return found
