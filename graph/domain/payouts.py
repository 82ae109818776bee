"""Records payouts: which commissions a payment to a partner covers, and which refunds reduced it.

clickgate moves no money. It makes sure that every commission is paid once, and everything that refunds took off paid
commissions is deducted once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.schema.commissions import Commission, Payout
from db.schema.conversions import Refund, Sale
from db.schema.partners import PartnerProgram
from graph.domain.commission_status import is_payable
from graph.domain.context import Context
from graph.domain.conversion_errors import NothingToPay
from graph.domain.currencies import currency_field
from graph.domain.errors import FieldInvalid, outages
from graph.domain.fields import name_field
from graph.domain.permissions import check_manager_of

# The amount is known once the rows are marked, and the table takes none below this.
NOT_SUMMED = 1


@dataclass(frozen=True, slots=True)
class NewPayout:
    """A payout to be recorded, of what was approved and refunded up to a time, by default now. A time in the future
    counts as now: nothing is paid before it is approved."""

    program_id: int
    partner_id: int
    currency: str
    up_to: datetime | None = None
    note: str | None = None


async def record(context: Context, new: NewPayout) -> dict[str, Any]:
    """Record a payout and return its row. It pays the partner's commissions in one currency that were approved up to a
    time and are not paid yet, less what refunds up to then took off them and off paid ones. Of two payouts at once,
    each commission and each refund is in one. Raises `FieldInvalid`, `NothingToPay`, `UnknownProgram`, `Forbidden`,
    `DatabaseAway`."""
    check_manager_of(context, new.program_id)
    values = _checked(new, context.services.clock())
    with outages():
        async with context.services.store.write() as connection:
            await _check_membership(connection, new)
            payable = _payable(values)
            await _lock(connection, payable)
            made = insert(Payout).values(**values, amount=NOT_SUMMED).returning(Payout.id)
            payout_id = (await connection.execute(made)).scalar_one()
            await connection.execute(update(Commission).where(payable).values(payout_id=payout_id, status="paid"))
            await connection.execute(update(Refund).where(_to_be_deducted(values)).values(payout_id=payout_id))
            amount = await _amount(connection, new.program_id, payout_id)
            if amount <= 0:
                raise NothingToPay  # undoes all of it
            await connection.execute(update(Payout).where(Payout.id == payout_id).values(amount=amount))
            return (await connection.execute(select(Payout.__table__).where(Payout.id == payout_id))).one()._asdict()


def _checked(new: NewPayout, now: datetime) -> dict[str, Any]:
    return {
        "program_id": new.program_id,
        "partner_id": new.partner_id,
        "currency": currency_field("currency", new.currency),
        "up_to": min(new.up_to or now, now),
        "note": None if new.note is None else name_field("note", new.note),
        "created_at": now,
    }


async def _check_membership(connection: AsyncConnection, new: NewPayout) -> None:
    member = select(PartnerProgram.partner_id).where(
        PartnerProgram.program_id == new.program_id, PartnerProgram.partner_id == new.partner_id
    )
    if await connection.scalar(member) is None:
        raise FieldInvalid("partner_id", "must be a partner in this program")


def _payable(values: dict[str, Any]) -> ColumnElement[bool]:
    return and_(
        Commission.program_id == values["program_id"],
        Commission.partner_id == values["partner_id"],
        Commission.currency == values["currency"],
        is_payable(Commission, values["up_to"]),
    )


def _to_be_deducted(values: dict[str, Any]) -> ColumnElement[bool]:
    """Return whether a refund took something off a paid commission that no payout has deducted yet. The commissions of
    this payout are marked as paid by then."""
    paid = exists().where(
        Commission.program_id == Refund.program_id,
        Commission.id == Refund.commission_id,
        Commission.currency == values["currency"],
        Commission.payout_id.is_not(None),
    )
    return and_(
        Refund.program_id == values["program_id"],
        Refund.partner_id == values["partner_id"],
        Refund.payout_id.is_(None),
        Refund.clawback > 0,
        Refund.created_at <= values["up_to"],
        paid,
    )


async def _lock(connection: AsyncConnection, payable: ColumnElement[bool]) -> None:
    """Lock the sales and then the commissions, in order, so that no refund of them is recorded meanwhile and two
    payouts at once wait for each other instead of blocking each other. Without effect on SQLite, which has one writer
    at a time."""
    sold = and_(Sale.program_id == Commission.program_id, Sale.id == Commission.sale_id)
    sales = select(Sale.id).join(Commission, sold).where(payable).order_by(Sale.id).with_for_update(of=Sale)
    commissions = select(Commission.id).where(payable).order_by(Commission.id).with_for_update()
    for locked in (sales, commissions):
        # Counted, so that the rows stay in the database.
        await connection.execute(select(func.count()).select_from(locked.subquery()))


async def _amount(connection: AsyncConnection, program_id: int, payout_id: int) -> int:
    """Return the payout's commissions less its clawbacks."""
    earned, returned = [
        await connection.scalar(
            select(func.sum(amount)).where(table.program_id == program_id, table.payout_id == payout_id)
        )
        for table, amount in ((Commission, Commission.amount), (Refund, Refund.clawback))
    ]
    return int(earned or 0) - int(returned or 0)
