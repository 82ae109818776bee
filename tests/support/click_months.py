"""Databases on PostgreSQL whose clicks are of earlier months."""

from sqlalchemy import and_, not_, text, update

from db.engine.store import Store
from db.partitions.months import Month
from db.partitions.statements import CLICKS, make
from db.schema.id_blocks import IdBlock
from tests.support.click_ids import this_month


async def begin_in(store: Store, month: Month) -> None:
    """Have ids begin with an earlier month, and make the partitions from then on: as if nothing was recorded before,
    and no gateway was there to turn the month since."""
    older = f"{CLICKS}_older"
    async with store.write() as connection:
        await connection.execute(text(f"ALTER TABLE {CLICKS} DETACH PARTITION {older}"))
        bounds = f"FROM (MINVALUE) TO ({month.first_id})"
        await connection.execute(text(f"ALTER TABLE {CLICKS} ATTACH PARTITION {older} FOR VALUES {bounds}"))
        later = month
        while later < this_month():
            for command in make(later):
                await connection.execute(text(command))
            later = later.later(1)
    await go_to(store, month)


async def go_to(store: Store, month: Month) -> None:
    """Have the ids of writers that register from now on begin with a month, unless they do."""
    async with store.write() as connection:
        is_in_it = IdBlock.next_id.between(month.first_id, month.later(1).first_id)
        is_clicks = and_(IdBlock.name == "click_events", not_(is_in_it))
        await connection.execute(update(IdBlock).where(is_clicks).values(next_id=month.first_id + 1))
