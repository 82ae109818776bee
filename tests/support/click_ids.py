"""Ids of clicks, which on PostgreSQL begin with a month."""

from datetime import UTC, datetime

from db.partitions.months import IDS_PER_MONTH, Month


def number(id: int) -> int:
    """Return the number of a click within its month: the first one that a new database records has 1."""
    return id % IDS_PER_MONTH


def this_month() -> Month:
    now = datetime.now(UTC)
    return Month(now.year, now.month)
