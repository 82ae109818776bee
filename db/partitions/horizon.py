"""From where on there still are clicks, as parts of statements: before that, months were dropped."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, func, literal, select

from db.partitions.months import IDS_PER_MONTH
from db.schema.columns import EPOCH, UtcDateTime
from db.schema.dropped import ClickHorizon

_first_id = select(ClickHorizon.first_id).scalar_subquery()
_first_day = select(ClickHorizon.first_day).scalar_subquery()


def first_id() -> ColumnElement[int]:
    """Return the id below which clicks were dropped; 0 if none were."""
    return func.coalesce(_first_id, 0, type_=BigInteger)


def first_month() -> ColumnElement[int]:
    """Return the month that `first_id` begins with; 0 if no clicks were dropped."""
    return first_id() // IDS_PER_MONTH


def first_day() -> ColumnElement[Any]:
    """Return the start of the first day on which no clicks were dropped but such as `dropped_rollups` counts."""
    return func.coalesce(_first_day, literal(EPOCH, UtcDateTime), type_=UtcDateTime)
