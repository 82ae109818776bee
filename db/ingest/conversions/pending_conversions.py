"""A conversion on its way through one batch: the ids reserved for it, and its outcome."""

from dataclasses import dataclass

from db.ingest.conversions.records import (
    LeadOutcome,
    NewLead,
    NewRefund,
    NewSale,
    RefundOutcome,
    SaleOutcome,
)


@dataclass(slots=True)
class PendingConversion:
    """A lead, sale or refund in a batch. `commission_id` is for the commission that a lead or a sale may earn."""

    record: NewLead | NewSale | NewRefund
    id: int
    commission_id: int
    outcome: LeadOutcome | SaleOutcome | RefundOutcome | Exception | None = None
