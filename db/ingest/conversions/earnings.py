"""The commission that a lead or a sale earns, as a new row."""

from dataclasses import dataclass
from datetime import datetime

from db.ingest.conversions.attribution import AttributedClick
from db.ingest.conversions.changes import Changes
from db.ingest.conversions.commissions import Conversion, earning
from db.ingest.conversions.state import CommissionState, ConversionState, CustomerState, LeadState, SaleState


@dataclass(frozen=True, slots=True)
class Earner:
    """A lead or a sale that may earn a commission for a click's partner. The `commission_id` is 0 until one is
    reserved."""

    customer: CustomerState
    click: AttributedClick
    event: LeadState | SaleState
    occurred_at: datetime
    received_at: datetime
    commission_id: int = 0
    product_id: str | None = None
    is_first: bool = True


def earn(state: ConversionState, changes: Changes, earner: Earner) -> CommissionState | None:
    """Create and return the commission that a rule grants, or return None if no rule does."""
    event, customer = earner.event, earner.customer
    sale = event if isinstance(event, SaleState) else None
    kind = "lead" if sale is None else "sale"
    rules = state.rules[customer.program_id, kind, earner.click.partner_id, earner.product_id]
    conversion = Conversion(
        *(earner.occurred_at, earner.click.partner_id, earner.product_id),
        *((0, "") if sale is None else (sale.amount, sale.currency)),
        *(earner.is_first, state.first_commission_at(customer.key)),
    )
    earned = earning(rules, conversion)
    if earned is None:
        return None
    before = state.new_commissions.get(customer.key, earner.occurred_at)
    state.new_commissions[customer.key] = min(before, earner.occurred_at)
    commission = CommissionState(customer.program_id, earner.commission_id, earned.amount, earned.currency)
    commission.row = (
        *(earner.click.partner_id, earner.click.link_id, customer.id),
        *((None, event.id) if sale is None else (sale.id, None)),
        *(earned.rule_id, earned.approval, earned.hold_until, earner.occurred_at, earner.received_at),
    )
    changes.commissions.append(commission)
    changes.count_earning(event, earner.click, earned, earner.occurred_at)
    return commission
