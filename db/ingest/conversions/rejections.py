"""Books the rejection of a commission, so that reports no longer count it as earned."""

from typing import Any

from sqlalchemy import BigInteger, Insert, and_, cast, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.outbox.conditions import LEAD, REFUND, REJECTION, SALE
from db.schema.conversions import Refund
from db.schema.outbox import OutboxRange
from db.schema.rollups import ConversionBooking

NONE = literal(0, BigInteger)


async def book_rejection(connection: AsyncConnection, commission: Any) -> None:
    """Take off what a commission and its clawbacks have added, at the times at which they had added it, and append the
    rejection to the outbox. The transaction has locked the commission's sale, so that no refund is recorded
    meanwhile."""
    await connection.execute(_bookings(commission))
    ids = {"program_id": commission.program_id, "first_id": commission.id, "last_id": commission.id}
    await connection.execute(insert(OutboxRange).values(kind=REJECTION, events=1, **ids))


def _bookings(commission: Any) -> Insert:
    booking = ConversionBooking
    refunds = select(Refund.id).where(Refund.program_id == commission.program_id, Refund.sale_id == commission.sale_id)
    earned_by = (
        and_(booking.kind == SALE, booking.id == commission.sale_id),
        and_(booking.kind == REFUND, booking.id.in_(refunds)),
        and_(booking.kind == LEAD, booking.id == commission.lead_id),
    )
    place = (booking.program_id, booking.currency, booking.occurred_at)
    credit = (booking.partner_id, booking.link_id, booking.click_event_id)
    total = cast(func.sum(booking.earnings), BigInteger)
    found = (
        select(*place, *credit, literal(REJECTION), literal(commission.id, BigInteger), NONE, NONE, NONE, -total)
        .where(booking.program_id == commission.program_id, or_(*earned_by))
        .group_by(*place, *credit)
        .having(total != 0)
    )
    names = [column.key for column in (*place, *credit)]
    return insert(booking).from_select([*names, "kind", "id", "leads", "sales", "revenue", "earnings"], found)
