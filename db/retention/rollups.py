"""What dropped clicks add to rollups of days that have other clicks, too: as a rule, of a single day."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.partitions.horizon import first_id
from db.rollups.sources import CLICKS
from db.schema.clicks import ClickEvent
from db.schema.dropped import DroppedRollup

# An insert has at most so many rows.
SLICE_ROWS = 1000


async def keep_rollups(connection: AsyncConnection, end_id: int, day: datetime) -> None:
    """Note what clicks below an id that are about to be dropped add to rollups from a day on, in the transaction that
    is open. What earlier ones add is noted already."""
    row = DroppedRollup
    await connection.execute(delete(row).where(row.bucket_at < day))
    click, fields = ClickEvent, CLICKS.fields(ClickEvent, ClickEvent)
    counted = select(*fields, func.count()).where(click.id >= first_id(), click.id < end_id, click.occurred_at >= day)
    sums = CLICKS.sums()
    sums.add_counted([tuple(each) for each in await connection.execute(counted.group_by(*fields))])
    added = insert(row)
    upsert = added.on_conflict_do_update(
        index_elements=list(CLICKS.key),
        set_={name: getattr(row, name) + added.excluded[name] for name in CLICKS.counters},
    )
    columns = (*CLICKS.key, *CLICKS.counters)
    for rows in sums.slices(SLICE_ROWS):
        await connection.execute(upsert, [dict(zip(columns, values, strict=True)) for values in rows])
