"""Decides the outcomes of leads, sales and refunds. There is no SQL here: a decision changes the state that was read
from the database, and collects new rows and counters."""

from dataclasses import dataclass
from datetime import UTC, datetime

from db.ingest.conversions.attribution import AttributedClick, expired
from db.ingest.conversions.bookings import Occasion
from db.ingest.conversions.changes import Changes
from db.ingest.conversions.commissions import clawback
from db.ingest.conversions.earnings import Earner, earn
from db.ingest.conversions.identification import customer_of
from db.ingest.conversions.pending_conversions import PendingConversion
from db.ingest.conversions.records import (
    LeadOutcome,
    LeadRecorded,
    NewLead,
    NewRefund,
    NewSale,
    RefundOutcome,
    RefundRecorded,
    Refusal,
    SaleDuplicate,
    SaleOutcome,
    SaleRecorded,
    Unattributed,
)
from db.ingest.conversions.state import ConversionState, CustomerState, LeadState, SaleState
from db.outbox.conditions import REFUND

# Statuses of a commission that is not paid and may still be.
UNPAID = ("pending", "approved")


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides the outcomes of a batch's conversions, in their order."""

    state: ConversionState
    changes: Changes

    def lead(self, entry: PendingConversion, lead: NewLead) -> LeadOutcome:
        """Decide which customer a lead belongs to, and whether it counts."""
        state, customer = self.state, customer_of(self.state, lead)
        if isinstance(customer, Refusal):
            return customer
        if customer.status == "conversion":
            return Refusal.ALREADY_CONVERTED
        if (click := customer.click) is None:
            return Refusal.UNKNOWN_CUSTOMER
        if (late := self._expired(customer, click, lead.received_at)) is not None:
            return late
        known = state.leads[*customer.key, lead.event_name]
        if state.is_provisional(lead, customer):
            return self._provisional_lead(entry, customer, lead, known)
        self._identify(customer, lead)
        if known is not None and not known.is_provisional:
            return LeadRecorded(known.id, is_provisional=False, is_known=True)
        found = known or self._new_lead(entry, customer, lead)
        customer.bind(click, lead.received_at)
        self._confirm(customer, found, lead.received_at, entry.commission_id)
        return LeadRecorded(found.id, is_provisional=False)

    def sale(self, entry: PendingConversion, sale: NewSale) -> SaleOutcome:
        """Decide whether a sale is new, which customer it belongs to, and what it earns."""
        state = self.state
        if (known := state.sales.get((sale.program_id, sale.transaction_id))) is not None:
            return SaleDuplicate(known.id, None if known.commission is None else known.commission.id)
        customer = customer_of(state, sale)
        if isinstance(customer, Refusal):
            return customer
        if (click := customer.click) is None:
            return Refusal.UNKNOWN_CUSTOMER
        occurred_at = _occurred_at(sale)
        if sale.occurred_at is not None and occurred_at < click.occurred_at:
            return Refusal.BEFORE_CLICK
        if (late := self._expired(customer, click, occurred_at)) is not None:
            return late
        is_first = customer.converted_at is None
        self._convert(customer, click, sale)
        made = self._new_sale(entry, customer, click, sale)
        at = (occurred_at, sale.received_at)
        made.commission = earn(
            state, self.changes, Earner(customer, click, made, *at, entry.commission_id, sale.product_id, is_first)
        )
        return SaleRecorded(made.id, None if made.commission is None else made.commission.id)

    def refund(self, entry: PendingConversion, refund: NewRefund) -> RefundOutcome:
        """Decide how much is refunded, and how much of the sale's commission is clawed back."""
        sale = self.state.sales.get((refund.program_id, refund.transaction_id))
        if sale is None:
            return Refusal.UNKNOWN_SALE
        key = None if refund.refund_id is None else (sale.program_id, sale.id, refund.refund_id)
        if key is not None and key in self.state.refunds:
            return self.state.refunds[key]
        left = sale.amount - sale.refunded
        if not left:
            return _skipped(sale)
        amount = refund.amount or left
        if amount > left:
            return Refusal.TOO_MUCH
        sale.refunded += amount
        sale.is_changed = True
        occasion = Occasion(sale.program_id, REFUND, entry.id, refund.received_at)
        outcome = self._claw_back(occasion, sale)
        self.changes.count_refund(occasion, sale, amount)
        self.changes.refunds.append(
            (
                *(sale.program_id, entry.id, sale.id, sale.customer_id, sale.partner_id, sale.link_id),
                *(outcome.commission_id, refund.refund_id, amount, sale.currency, outcome.deducted),
                *(refund.reason, outcome.status, refund.received_at),
            )
        )
        if key is not None:
            self.state.refunds[key] = outcome
        return outcome

    def _expired(self, customer: CustomerState, click: AttributedClick, at: datetime) -> Unattributed | None:
        if customer.bound_at is not None:
            return None
        return expired(click.occurred_at, at, self.state.programs[customer.program_id].window_days)

    def _identify(self, customer: CustomerState, lead: NewLead) -> None:
        """Set the customer's key and e-mail address where they are not known yet."""
        is_new = self.state.identify(customer, lead.customer_key)
        if lead.email_digest is not None and customer.email_digest is None:
            customer.email_digest, customer.email_mask = lead.email_digest, lead.email_mask
            is_new = True
        if is_new:
            customer.changed(lead.received_at)

    def _provisional_lead(
        self, entry: PendingConversion, customer: CustomerState, lead: NewLead, known: LeadState | None
    ) -> LeadOutcome:
        """Add a provisional lead, unless one of its name is known. A sale must be able to confirm all of them."""
        if known is not None:
            return LeadRecorded(known.id, is_provisional=True, is_known=True)
        if self.state.has_most_provisional(customer.key):
            return Refusal.TOO_MANY_LEADS
        found = self._new_lead(entry, customer, lead)
        self.state.provisional[customer.key].append(found)
        return LeadRecorded(found.id, is_provisional=True)

    def _new_lead(self, entry: PendingConversion, customer: CustomerState, lead: NewLead) -> LeadState:
        """Add a provisional lead; the caller may confirm it at once."""
        made = LeadState(customer.program_id, entry.id, customer.id, lead.event_name, is_provisional=True)
        made.created_at = lead.received_at
        made.fields = (lead.session_id, lead.page_url, lead.additional_data)
        self.state.leads[*customer.key, lead.event_name] = made
        self.changes.leads.append(made)
        return made

    def _confirm(self, customer: CustomerState, lead: LeadState, at: datetime, commission_id: int = 0) -> None:
        """Count a provisional lead from now on, for the partner that the customer is bound to."""
        if (click := customer.click) is None:
            return
        lead.is_provisional, lead.click, lead.confirmed_at = False, click, at
        if lead.fields is None:
            self.changes.confirmed.append(lead)
        is_first = customer.lead_at is None
        if customer.status == "click":
            customer.status = "lead"
        customer.lead_at = customer.lead_at or at
        customer.changed(at)
        self.changes.count_lead(lead, click, at)
        earn(self.state, self.changes, Earner(customer, click, lead, at, at, commission_id, is_first=is_first))

    def _convert(self, customer: CustomerState, click: AttributedClick, sale: NewSale) -> None:
        """Bind a customer, and confirm its provisional leads."""
        occurred_at = _occurred_at(sale)
        customer.bind(click, occurred_at)
        self.state.identify(customer, sale.customer_key)
        for lead in self.state.provisional[customer.key]:
            if lead.is_provisional:
                self._confirm(customer, lead, sale.received_at)
        customer.status, customer.converted_at = "conversion", customer.converted_at or occurred_at
        customer.changed(sale.received_at)

    def _new_sale(
        self, entry: PendingConversion, customer: CustomerState, click: AttributedClick, sale: NewSale
    ) -> SaleState:
        currency = sale.currency or self.state.programs[sale.program_id].currency
        made = SaleState(
            *(sale.program_id, entry.id, customer.id, customer.partner_id, customer.link_id),
            *(sale.transaction_id, sale.amount, currency, 0, click.event_id),
        )
        made.row = (
            *(sale.sale_type, sale.is_recurring, sale.subscription_id),
            *(sale.subscription_interval, sale.product_id, sale.line_items, sale.additional_data),
            *(_occurred_at(sale), sale.received_at),
        )
        self.state.sales[sale.program_id, sale.transaction_id] = made
        self.changes.sales.append(made)
        self.changes.count_sale(made, _occurred_at(sale))
        return made

    def _claw_back(self, refund: Occasion, sale: SaleState) -> RefundRecorded:
        """Claw back a refund's share of the sale's commission. A rejected commission no longer counts as earnings, so
        those stay as they are."""
        commission = sale.commission
        if commission is None:
            return RefundRecorded("no_commission", 0, sale.currency, None)
        taken = clawback(commission.amount, sale.amount, sale.refunded, commission.clawed_back)
        commission.clawed_back += taken
        commission.is_changed = True
        if commission.status != "rejected":
            self.changes.count_clawback(refund, sale, commission.currency, taken)
        if commission.clawed_back == commission.amount and commission.status in UNPAID:
            commission.status = "reversed"
        status = "reversed" if sale.refunded == sale.amount else "refunded"
        return RefundRecorded(status, taken, commission.currency, commission.id)


def _occurred_at(sale: NewSale) -> datetime:
    # Months are counted by the calendar of UTC, whatever offset the sender's clock has.
    return (sale.occurred_at or sale.received_at).astimezone(UTC)


def _skipped(sale: SaleState) -> RefundRecorded:
    commission = sale.commission
    id, currency = (None, sale.currency) if commission is None else (commission.id, commission.currency)
    return RefundRecorded("skipped", 0, currency, id)
