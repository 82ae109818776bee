"""Counters and sums of conversions: what links, memberships and customers brought in, and what a partner is owed."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select, tuple_
from sqlalchemy.orm import aliased

from db.schema.commissions import Commission, ConversionSum, Payout
from db.schema.conversions import Refund, Sale
from db.sql.functions import tested_per_row
from graph.domain.commission_status import NOW, is_payable, status_at
from graph.query.cluster_rows import RowOfProgram
from graph.query.entity import AmountSelect, Attribute, CurrencySums, MappedRow, Visible
from graph.query.shared_parts import columns

COUNTERS = {"lead_count": Attribute(columns("leads")), "sale_count": Attribute(columns("sales"))}


def _running(column: str, keys: dict[str, str]) -> CurrencySums:
    """Return the sums of a column of `conversion_sums`, whose rows refer to the row by `keys`."""

    def part(row: MappedRow, visible: Visible) -> AmountSelect:
        sums = aliased(ConversionSum)
        amount = getattr(sums, column)
        found = {**keys, "program_id": "program_id"} if isinstance(row, RowOfProgram) else keys
        matches = [getattr(sums, name) == getattr(row, key) for name, key in found.items()]
        return select(sums.currency, amount.label("amount")).where(*matches, amount.is_not(None), visible(sums))

    return CurrencySums([part])


def _revenue_of_customer(row: MappedRow, visible: Visible) -> AmountSelect:
    sale = aliased(Sale)
    return select(sale.currency, (sale.amount - sale.refunded).label("amount")).where(
        sale.program_id == row.program_id, sale.customer_id == row.id, tested_per_row(visible(sale))
    )


def _unpaid(row: MappedRow, visible: Visible, condition: Callable[[Any], ColumnElement[bool]]) -> AmountSelect:
    """Select the sums of the commissions that are not paid and meet a condition, less what refunds took off them. An
    index has all of it in the order of the currencies; grouped with another part, there may be many rows to sort."""
    commission = aliased(Commission)
    sums = select(commission.currency, func.sum(commission.amount - commission.clawed_back).label("amount"))
    return sums.where(
        commission.program_id == row.program_id,
        commission.partner_id == row.partner_id,
        commission.payout_id.is_(None),
        condition(commission),
        visible(commission),
    ).group_by(commission.currency)


def _pending(row: MappedRow, visible: Visible) -> AmountSelect:
    return _unpaid(row, visible, lambda commission: status_at(commission, NOW) == "pending")


def _payable(row: MappedRow, visible: Visible) -> AmountSelect:
    return _unpaid(row, visible, lambda commission: is_payable(commission, NOW))


def _paid_out(row: MappedRow, visible: Visible) -> AmountSelect:
    payout = aliased(Payout)
    return select(payout.currency, payout.amount).where(
        payout.program_id == row.program_id, payout.partner_id == row.partner_id, visible(payout)
    )


def _to_be_returned(row: MappedRow, visible: Visible) -> AmountSelect:
    """Select what refunds took off commissions that had been paid, unless a later payout has settled it."""
    refund, commission = aliased(Refund), aliased(Commission)
    earned = and_(commission.program_id == refund.program_id, commission.id == refund.commission_id)
    return (
        select(commission.currency, (-refund.clawback).label("amount"))
        .join_from(refund, commission, earned)
        .where(
            refund.program_id == row.program_id,
            refund.partner_id == row.partner_id,
            refund.payout_id.is_(None),
            refund.clawback > 0,
            commission.payout_id.is_not(None),
            visible(refund),
            visible(commission),
        )
    )


def is_owed(row: MappedRow, value: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a membership has commissions to be paid, compared with `value`."""
    commission = aliased(Commission)
    # Needs no scope of its own: whoever sees a membership also sees its commissions.
    payable = exists().where(
        commission.program_id == row.program_id,
        commission.partner_id == row.partner_id,
        is_payable(commission, NOW),
    )
    return case((payable, True), else_=False) == value


def is_owed_on_cluster(row: MappedRow, value: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the same for a cluster, which looks for all memberships that have any first."""
    commission = aliased(Commission)
    owed = select(commission.program_id, commission.partner_id).where(is_payable(commission, NOW)).distinct()
    return case((tuple_(row.program_id, row.partner_id).in_(owed), True), else_=False) == value


OF_MEMBER = {"program_id": "program_id", "partner_id": "partner_id"}
OF_LINK = {"link_id": "id"}
REVENUE_OF_MEMBER, EARNINGS_OF_MEMBER = _running("revenue", OF_MEMBER), _running("earnings", OF_MEMBER)
REVENUE_OF_LINK, EARNINGS_OF_LINK = _running("revenue", OF_LINK), _running("earnings", OF_LINK)
REVENUE_OF_CUSTOMER = CurrencySums([_revenue_of_customer])
# What `graph.domain.payouts` would pay now; less than nothing if more was returned than has been earned since.
BALANCE = CurrencySums([_payable, _to_be_returned])
PENDING = CurrencySums([_pending])
PAID_OUT = CurrencySums([_paid_out])
