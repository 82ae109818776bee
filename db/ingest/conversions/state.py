"""The stored customers, sales and leads that a batch of conversions reads, as the batch changes them.

Each conversion sees the changes of those before it in the batch, and all changes are written once at the end. So a
batch costs the same whether its conversions belong to many customers or to one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from db.ingest.conversions.attribution import AttributedClick
from db.ingest.conversions.commissions import Rule
from db.ingest.conversions.records import NewLead, RefundRecorded

# How many provisional leads a customer may have, so that a sale confirms all of them in bounded time.
MOST_PROVISIONAL = 100

CustomerKey: TypeAlias = tuple[int, int]
"""A program and the id of a customer in it."""
RuleKey: TypeAlias = tuple[int, str, int, str | None]
"""A program, `sale` or `lead`, a partner and a product."""


@dataclass(frozen=True, slots=True)
class ProgramTerms:
    """The settings of a program that its conversions depend on."""

    window_days: int
    currency: str
    lead_auth: str


@dataclass(slots=True)
class CustomerState:
    """A customer. `click` is the one that bound it, or else its latest; None if it has no event."""

    program_id: int
    id: int
    click_id: str
    status: str
    partner_id: int
    link_id: int
    customer_key: str | None
    email_digest: str | None
    email_mask: str | None
    bound_at: datetime | None
    bound_event_id: int | None
    lead_at: datetime | None
    converted_at: datetime | None
    updated_at: datetime
    """When it last changed, or was created."""
    click: AttributedClick | None = None
    is_changed: bool = False

    @property
    def key(self) -> CustomerKey:
        return self.program_id, self.id

    def changed(self, at: datetime) -> None:
        """Mark the customer as changed. `updated_at` only moves forward, so that clients that page by it see it."""
        self.updated_at = max(self.updated_at, at)
        self.is_changed = True

    def bind(self, click: AttributedClick, at: datetime) -> None:
        """Bind the customer to the partner and link of a click, unless it is bound."""
        if self.bound_at is None:
            self.partner_id, self.link_id = click.partner_id, click.link_id
            self.bound_at, self.bound_event_id = at, click.event_id


@dataclass(slots=True)
class LeadState:
    """A lead, provisional until it has a `click`. Only a new lead has `fields`."""

    program_id: int
    id: int
    customer_id: int
    event_name: str
    is_provisional: bool
    click: AttributedClick | None = None
    confirmed_at: datetime | None = None
    created_at: datetime | None = None
    fields: tuple[str | None, ...] | None = None


@dataclass(slots=True)
class CommissionState:
    """A commission. Only a new one has a `row`: the other columns that it is inserted with."""

    program_id: int
    id: int
    amount: int
    currency: str
    clawed_back: int = 0
    status: str = "pending"
    row: tuple[object, ...] | None = None
    is_changed: bool = False


@dataclass(slots=True)
class SaleState:
    """A sale. Only a new one has a `row`: the other columns that it is inserted with."""

    program_id: int
    id: int
    customer_id: int
    partner_id: int
    link_id: int
    transaction_id: str
    amount: int
    currency: str
    refunded: int
    click_event_id: int
    commission: CommissionState | None = None
    row: tuple[object, ...] | None = None
    is_changed: bool = False


@dataclass(slots=True)
class ConversionState:
    """The rows read for a batch, by the keys that its conversions name them by. A missing key was not read; None or an
    empty list means that the database has no such row."""

    programs: dict[int, ProgramTerms] = field(default_factory=dict)
    customers: dict[CustomerKey, CustomerState] = field(default_factory=dict)
    by_key: dict[tuple[int, str], CustomerState] = field(default_factory=dict)
    by_click_id: dict[str, CustomerState] = field(default_factory=dict)
    owners: dict[str, CustomerKey] = field(default_factory=dict)
    """The customers of click ids that were looked up in all programs."""
    sales: dict[tuple[int, str], SaleState] = field(default_factory=dict)
    refunds: dict[tuple[int, int, str], RefundRecorded] = field(default_factory=dict)
    leads: dict[tuple[int, int, str], LeadState | None] = field(default_factory=dict)
    provisional: dict[CustomerKey, list[LeadState]] = field(default_factory=dict)
    provisional_read: set[CustomerKey] = field(default_factory=set)
    """The customers whose provisional leads were read; others may have new ones of this batch."""
    rules: dict[RuleKey, Sequence[Rule]] = field(default_factory=dict)
    first_commissions: dict[CustomerKey, datetime | None] = field(default_factory=dict)
    new_commissions: dict[CustomerKey, datetime] = field(default_factory=dict)
    """The first commission of each customer that this batch makes."""

    def first_commission_at(self, customer: CustomerKey) -> datetime | None:
        """Return when a customer earned its first commission."""
        moments = (self.first_commissions.get(customer), self.new_commissions.get(customer))
        return min((moment for moment in moments if moment is not None), default=None)

    def is_provisional(self, record: NewLead, customer: CustomerState) -> bool:
        """Return whether a lead has to be confirmed before it counts: it has no token, and its program requires one."""
        return record.program_id is None and self.programs[customer.program_id].lead_auth == "server"

    def has_most_provisional(self, customer: CustomerKey) -> bool:
        """Return whether a customer has as many provisional leads as it may have."""
        return sum(lead.is_provisional for lead in self.provisional[customer]) >= MOST_PROVISIONAL

    def add(self, customer: CustomerState) -> None:
        """Add a customer that was read."""
        self.customers[customer.key] = self.by_click_id[customer.click_id] = customer
        if customer.customer_key is not None:
            self.by_key[customer.program_id, customer.customer_key] = customer

    def identify(self, customer: CustomerState, customer_key: str | None) -> bool:
        """Set the customer's key, unless the customer has one or the key belongs to another customer. Return whether it
        was set."""
        if customer_key is None or customer.customer_key is not None:
            return False
        if (customer.program_id, customer_key) in self.by_key:
            return False
        customer.customer_key = customer_key
        self.by_key[customer.program_id, customer_key] = customer
        return True
