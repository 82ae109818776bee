"""Approves and rejects commissions by hand."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ingest.conversions.rejections import book_rejection
from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import Sale
from graph.domain.commission_status import status_at
from graph.domain.context import Context
from graph.domain.conversion_errors import CommissionSettled, UnknownCommission
from graph.domain.errors import FieldInvalid, outages
from graph.domain.fields import name_field
from graph.domain.permissions import check_manager
from graph.domain.scope import Viewer, visible

MOST_AT_ONCE = 100
Found = Row[*tuple[Any, ...]]


async def approve(context: Context, program_id: int, ids: Collection[int]) -> None:
    """Approve commissions of a program, all or none. Those that are approved already stay as they are. Raises
    `FieldInvalid` for none or for more than 100, `UnknownCommission`, also for one out of scope, `CommissionSettled`,
    `Forbidden`, `DatabaseAway`."""
    viewer = check_manager(context)
    now = context.services.clock()
    with outages():
        async with context.services.store.write() as connection:
            found = await _open(connection, viewer, program_id, ids, now)
            pending = [commission.id for commission in found if commission.current == "pending"]
            these = (Commission.program_id == program_id, Commission.id.in_(pending))
            await connection.execute(update(Commission).where(*these).values(status="approved", approved_at=now))


async def reject(context: Context, program_id: int, ids: Collection[int], reason: str) -> None:
    """Reject commissions of a program that are not paid, all or none, and take what is left of them off their links'
    earnings. Raises `FieldInvalid`, also for none or for more than 100, `UnknownCommission`, also for one out of scope,
    `CommissionSettled`, `Forbidden`, `DatabaseAway`."""
    viewer, reason = check_manager(context), name_field("reason", reason)
    with outages():
        async with context.services.store.write() as connection:
            found = await _open(connection, viewer, program_id, ids, context.services.clock())
            these = (Commission.program_id == program_id, Commission.id.in_(ids))
            await connection.execute(update(Commission).where(*these).values(status="rejected", rejected_reason=reason))
            # In the order in which conversions lock the sums.
            for commission in sorted(found, key=lambda each: (each.partner_id, each.link_id, each.currency)):
                await _take_off(connection, commission)


async def _take_off(connection: AsyncConnection, commission: Found) -> None:
    """Take what is left of a commission off the earnings."""
    sums = (
        ConversionSum.program_id == commission.program_id,
        ConversionSum.partner_id == commission.partner_id,
        ConversionSum.link_id == commission.link_id,
        ConversionSum.currency == commission.currency,
    )
    earnings = ConversionSum.earnings - (commission.amount - commission.clawed_back)
    await connection.execute(update(ConversionSum).where(*sums).values(earnings=earnings))
    await book_rejection(connection, commission)


async def _open(
    connection: AsyncConnection, viewer: Viewer, program_id: int, ids: Collection[int], now: datetime
) -> list[Found]:
    """Return commissions that are neither paid, rejected nor reversed, as `_locked` does. Raises `FieldInvalid` for
    none or too many, `UnknownCommission`, `CommissionSettled`."""
    if not 1 <= len(ids) <= MOST_AT_ONCE:
        raise FieldInvalid("ids", f"must have 1 to {MOST_AT_ONCE} items")
    found = await _locked(connection, viewer, program_id, ids, now)
    if len(found) != len(set(ids)):
        raise UnknownCommission
    for commission in found:
        if commission.current not in ("pending", "approved"):
            raise CommissionSettled(commission.current)
    return found


async def _locked(
    connection: AsyncConnection, viewer: Viewer, program_id: int, ids: Collection[int], now: datetime
) -> list[Found]:
    """Return commissions in scope with their present status as `current`. They and their sales are locked, so that no
    refund is recorded meanwhile."""
    these = (Commission.program_id == program_id, Commission.id.in_(ids), visible(Commission, viewer.audience))
    sales = select(Commission.sale_id).where(*these)
    # In the order in which refunds lock them.
    locked = select(Sale.id).where(Sale.program_id == program_id, Sale.id.in_(sales)).order_by(Sale.id)
    await connection.execute(locked.with_for_update(), viewer.values)
    columns = (*Commission.__table__.c, status_at(Commission, now).label("current"))
    found = await connection.execute(
        select(*columns).where(*these).order_by(Commission.id).with_for_update(), viewer.values
    )
    return list(found.all())
