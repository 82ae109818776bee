"""The audit of commissions: each is what its rule gives for its sale or lead, less what the sale's refunds took."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from db.ingest.conversions.commissions import WHOLE, rounded_share
from db.schema.commissions import Commission, CommissionRule
from db.schema.conversions import LeadEvent, Sale
from db.sql.functions import microseconds_of

DAY_MICROSECONDS = 86_400 * 1_000_000
PLACE = ("partner_id", "link_id", "customer_id")


def commissions() -> Select[*tuple[Any, ...]]:
    """Return the query for all commissions, beside their rule and their sale or lead, with timestamps in
    microseconds."""
    commission, rule = Commission, CommissionRule
    of_sale = and_(Sale.program_id == commission.program_id, Sale.id == commission.sale_id)
    of_lead = and_(LeadEvent.program_id == commission.program_id, LeadEvent.id == commission.lead_id)
    places = {name: func.coalesce(getattr(Sale, name), getattr(LeadEvent, name)) for name in PLACE}
    is_same_place = and_(*(getattr(commission, name) == other for name, other in places.items()))
    fits = and_(
        rule.program_id == commission.program_id,
        rule.event == case((commission.sale_id.is_not(None), "sale"), else_="lead"),
        func.coalesce(rule.partner_id, commission.partner_id) == commission.partner_id,
        rule.product_id.is_(None) | (rule.product_id == Sale.product_id),
        rule.effective_from <= commission.occurred_at,
    )
    return (
        select(
            *(commission.program_id, commission.id, commission.amount, commission.currency, commission.clawed_back),
            *(commission.status, commission.approval),
            *(microseconds_of(commission.hold_until), microseconds_of(commission.occurred_at)),
            *(func.coalesce(is_same_place, False).label("same_place"), func.coalesce(fits, False).label("fits")),
            *(rule.basis_points, rule.amount, rule.currency, rule.approval, rule.hold_days),
            *(Sale.amount, Sale.currency, Sale.refunded),
            microseconds_of(func.coalesce(Sale.occurred_at, LeadEvent.confirmed_at)),
        )
        .join(rule, rule.id == commission.rule_id)
        .outerjoin(Sale, of_sale)
        .outerjoin(LeadEvent, of_lead)
        .order_by(commission.program_id, commission.id)
    )


def faults(row: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield what is wrong with a row of `commissions`: what, as stored, and as expected."""
    _, _, amount, currency, clawed_back, status, approval, hold_until, occurred_at, same_place, fits, *rest = row
    basis_points, fixed, rule_currency, rule_approval, hold_days, sold, sale_currency, refunded, happened_at = rest
    if not isinstance(happened_at, int):
        yield "a sale or lead with a time", 0, 1
        return
    expected = fixed if basis_points is None else rounded_share(sold or 0, basis_points, WHOLE)
    taken = 0 if sold is None else rounded_share(amount, refunded, sold)
    compared = (
        ("amount", amount, expected),
        ("currency", currency, rule_currency or sale_currency),
        ("approval", approval, rule_approval),
        ("time", occurred_at, happened_at),
        ("end of the hold", hold_until, happened_at + hold_days * DAY_MICROSECONDS),
        ("what refunds take off it", clawed_back, taken),
    )
    yield from (fault for fault in compared if fault[1] != fault[2])
    if not same_place:
        yield "partner, link and customer of its sale or lead", 0, 1
    if not fits:
        yield "a rule that fits", 0, 1
    is_reversed = status == "reversed"
    if status not in ("paid", "rejected") and is_reversed != (clawed_back == amount):
        yield "status", status, "pending" if is_reversed else "reversed"
