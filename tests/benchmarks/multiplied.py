"""Make the segments of a database stand for a history that is several times as long: of other customers, at the same
time, on the same links. The events stay what they are, because a hundred million would take a day and 80 GB."""

from zlib import crc32

import polars as pl
from sqlalchemy import func, insert, select, update

from db.engine.store import Store
from db.schema.customers import Customer
from db.schema.segments import ReportSegment, ReportSegmentTotal
from db.segments.columns import CLICK_SEGMENTS
from db.segments.encoding import decode, encode

COLUMNS = [column.name for column in CLICK_SEGMENTS.columns]
CUSTOMER = "customer_id"


async def multiply(url: str, times: int) -> None:
    """Add copies of the segments of clicks until there are so many times as many."""
    store, segment, total = Store(url), ReportSegment, ReportSegmentTotal
    kind = segment.kind == CLICK_SEGMENTS.kind
    try:
        async with store.read() as connection:
            ids = list(await connection.scalars(select(segment.id).where(kind).order_by(segment.id)))
            customers = await connection.scalar(select(func.max(Customer.id))) or 0
        for id_ in ids:
            async with store.write() as connection:
                found = await connection.execute(select(segment.__table__).where(kind, segment.id == id_))
                row = found.one()._asdict()
                events = decode(row["data"], row["checksum"], COLUMNS)
                for number in range(1, times):
                    data = encode(events.with_columns(pl.col(CUSTOMER) + number * customers))
                    copy = {"id": id_ + number * ids[-1], "data": data, "checksum": crc32(data)}
                    await connection.execute(insert(segment).values(row | copy))
        async with store.write() as connection:
            more = {"segments": total.segments * times, "events": total.events * times}
            await connection.execute(update(total).where(total.kind == CLICK_SEGMENTS.kind).values(more))
    finally:
        await store.close()
