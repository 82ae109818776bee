"""Leads, sales and refunds as the writer takes them, and their outcomes.

A `Refusal` depends on stored rows; everything else was validated before. Texts contain no NULs and fit their
columns. Amounts are in minor units of their currency.
"""

from datetime import datetime
from enum import Enum
from typing import ClassVar, TypeAlias

from msgspec import Struct

from db.ingest.recordable import Recordable


class Refusal(Enum):
    """Why a conversion was refused, in the order in which it is checked."""

    UNKNOWN_CUSTOMER = "none of the keys and click ids names a customer"
    OTHER_PROGRAM = "the customer is another program's than the token's"
    ALREADY_CONVERTED = "the customer has converted already"
    TOO_MANY_LEADS = "the customer has as many provisional leads as one sale confirms"
    BEFORE_CLICK = "the sale happened before the click that it would be attributed to"
    UNKNOWN_SALE = "no sale has this transaction id"
    TOO_MUCH = "the refund exceeds what is left of the sale"


class Unattributed(Struct, frozen=True, gc=False):
    """The attribution window had passed, and no partner was bound; nothing was recorded."""

    reason: ClassVar[str] = "attribution_window_expired"
    click_age_days: int
    window_days: int


class LeadRecorded(Struct, frozen=True, gc=False):
    """A committed lead, or the known one of the same event name."""

    lead_id: int
    is_provisional: bool
    is_known: bool = False


class SaleRecorded(Struct, frozen=True, gc=False):
    """A committed sale, and its commission if a rule grants one."""

    sale_id: int
    commission_id: int | None


class SaleDuplicate(Struct, frozen=True, gc=False):
    """The sale that had the transaction id already."""

    sale_id: int
    commission_id: int | None


class RefundRecorded(Struct, frozen=True, gc=False):
    """A committed refund, or the known one of the same `refund_id`. `status` is `refunded`, `reversed`, `no_commission`
    or, if nothing was left to refund and nothing was recorded, `skipped`. `deducted` is what it took off the
    commission, in minor units of `currency`, the commission's."""

    status: str
    deducted: int
    currency: str
    commission_id: int | None


LeadOutcome: TypeAlias = LeadRecorded | Unattributed | Refusal
SaleOutcome: TypeAlias = SaleRecorded | SaleDuplicate | Unattributed | Refusal
RefundOutcome: TypeAlias = RefundRecorded | Refusal


class NewLead(Recordable[LeadOutcome], frozen=True, gc=False):
    """A sign-up. `program_id` is that of the token; None without one. The click ids are candidates, the first that
    names a customer counts, unless `customer_key` names another of that customer's program."""

    noun = "lead"

    program_id: int | None
    click_ids: tuple[str, ...]
    event_name: str
    customer_key: str | None = None
    email_digest: str | None = None
    email_mask: str | None = None
    session_id: str | None = None
    page_url: str | None = None
    additional_data: str | None = None


class NewSale(Recordable[SaleOutcome], frozen=True, gc=False):
    """A sale of the token's program. Without a currency it is in the program's; without `occurred_at`, it happened when
    it was received."""

    noun = "sale"

    program_id: int
    transaction_id: str
    amount: int
    currency: str | None = None
    customer_key: str | None = None
    click_id: str | None = None
    sale_type: str = "payment"
    is_recurring: bool = False
    subscription_id: str | None = None
    subscription_interval: str | None = None
    product_id: str | None = None
    line_items: str | None = None
    additional_data: str | None = None
    occurred_at: datetime | None = None


class NewRefund(Recordable[RefundOutcome], frozen=True, gc=False):
    """A refund of a sale of the token's program; without an amount, of all that is left of it."""

    noun = "refund"

    program_id: int
    transaction_id: str
    amount: int | None = None
    reason: str | None = None
    refund_id: str | None = None


class TestConversion(Recordable[int], frozen=True, gc=False):
    """A lead or a sale sent in test mode. Its outcome is the id of its row."""

    noun = "test conversion"

    program_id: int | None
    kind: str
    body: str
