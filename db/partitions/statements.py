"""The statements that look for the partitions of clicks, and make them."""

from collections.abc import Iterator

from db.partitions.months import Month
from db.schema.clicks import ClickEvent

CLICKS = ClickEvent.__tablename__
MONTHS_AHEAD = 2
"""How many partitions there are besides the current month's."""


def table_of(month: Month) -> str:
    """Return the name of a month's partition."""
    return f"{CLICKS}_{month.year}_{month.number:02}"


def make(month: Month) -> Iterator[str]:
    """Yield the commands that make a month's partition.

    The table is attached when it is complete, because to make it a partition at once would lock out whoever reads or
    writes clicks. The foreign keys that it gets then lock the tables that they refer to against writers for some
    milliseconds.
    """
    name = table_of(month)
    yield f"CREATE TABLE {name} (LIKE {CLICKS} INCLUDING ALL)"
    yield f"CREATE UNIQUE INDEX uq_{name}_event_id ON {name} (program_id, event_id) WHERE event_id IS NOT NULL"
    bounds = f"FROM ({month.first_id}) TO ({month.later(1).first_id})"
    yield f"ALTER TABLE {CLICKS} ATTACH PARTITION {name} FOR VALUES {bounds}"
