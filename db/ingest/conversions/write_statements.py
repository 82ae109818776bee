"""The statements that record conversions, compiled once for the dialect in use, and the rows they are run for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Dialect, Insert, Update, and_, bindparam, func, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase

from db.ingest.conversions.bookings import BOOKING
from db.ingest.conversions.changes import Changes, Tallies
from db.ingest.conversions.state import CommissionState, ConversionState, CustomerState, LeadState, SaleState
from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.outbox import OutboxRange
from db.schema.partners import PartnerProgram
from db.schema.rollups import ConversionBooking
from db.sql.batch_statements import BatchStatement, RowValues, StatementRows, Template, compiled

CUSTOMER = (
    *("customer_status", "partner_id", "link_id", "customer_key", "email_digest", "email_mask"),
    *("bound_at", "bound_event_id", "lead_at", "converted_at", "updated_at"),
)
LEAD = (
    *("program_id", "id", "customer_id", "partner_id", "link_id", "click_event_id", "event_name"),
    *("session_id", "page_url", "additional_data", "created_at", "confirmed_at"),
)
CONFIRMED = ("partner_id", "link_id", "click_event_id", "confirmed_at")
SALE = (
    *("program_id", "id", "customer_id", "partner_id", "link_id", "transaction_id", "amount", "currency", "refunded"),
    *("click_event_id", "sale_type", "is_recurring", "subscription_id", "subscription_interval", "product_id"),
    *("line_items", "additional_data", "occurred_at", "created_at"),
)
COMMISSION = (
    *("program_id", "id", "amount", "currency", "clawed_back", "status"),
    *("partner_id", "link_id", "customer_id", "sale_id", "lead_id", "rule_id"),
    *("approval", "hold_until", "occurred_at", "created_at"),
)
REFUND = (
    *("program_id", "id", "sale_id", "customer_id", "partner_id", "link_id", "commission_id", "refund_id"),
    *("amount", "currency", "clawback", "reason", "status", "created_at"),
)
SUM = ("program_id", "partner_id", "link_id", "currency")


class ConversionStatements:
    """Each attribute names the values of its rows, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def add(table: type[DeclarativeBase], columns: Sequence[str]) -> BatchStatement:
            return compiled(dialect, insert(table).inline(), columns)

        def change(table: Any, columns: Sequence[str]) -> BatchStatement:
            """Set columns of a row, given after its program and id."""
            types = {name: table.__table__.c[name].type for name in columns}
            values = {name: bindparam(f"new_{name}", type_=type) for name, type in types.items()}
            is_it = and_(table.program_id == bindparam("program"), table.id == bindparam("row"))
            query: Template = update(table).where(is_it).values(values)
            return compiled(dialect, query, ("program", "row", *(f"new_{name}" for name in columns)))

        self.change_customer = change(Customer, CUSTOMER)
        self.add_lead = add(LeadEvent, LEAD)
        self.confirm_lead = change(LeadEvent, CONFIRMED)
        self.add_sale = add(Sale, SALE)
        self.refund_sale = change(Sale, ("refunded",))
        self.add_commission = add(Commission, COMMISSION)
        self.claw_back = change(Commission, ("clawed_back", "status"))
        self.add_refund = add(Refund, REFUND)
        self.add_booking = add(ConversionBooking, BOOKING)
        counted = ("more_leads", "more_sales")
        self.count_link = compiled(dialect, _count(ReferralLink, id="row"), ("row", *counted))
        of_member = _count(PartnerProgram, program_id="program", partner_id="partner")
        self.count_membership = compiled(dialect, of_member, ("program", "partner", *counted))
        self.add_sums = compiled(dialect, _add_sums(dialect), (*SUM, "revenue", "earnings"))
        self.append_range = add(OutboxRange, ("kind", "program_id", "first_id", "last_id", "events"))

    def of_changes(self, state: ConversionState, changes: Changes) -> Sequence[StatementRows]:
        """Return the work that writes rows, of several in the order in which their locks are taken. Commissions have
        their ids by then."""
        customers = sorted((one for one in state.customers.values() if one.is_changed), key=lambda one: one.key)
        sales = [sale for sale in state.sales.values() if sale.is_changed and sale.row is None]
        commissions = [one for sale in sales if (one := sale.commission) is not None and one.is_changed]
        new_sales = sorted(changes.sales, key=lambda sale: (sale.program_id, sale.transaction_id))
        return (
            (self.change_customer, [_customer_row(customer) for customer in customers]),
            (self.add_lead, [_lead_row(lead) for lead in changes.leads]),
            (self.confirm_lead, [_confirmed_row(lead) for lead in changes.confirmed]),
            (self.add_sale, [_sale_row(sale) for sale in new_sales]),
            (self.refund_sale, sorted((sale.program_id, sale.id, sale.refunded) for sale in sales)),
            (self.add_commission, [_commission_row(commission) for commission in changes.commissions]),
            (self.claw_back, sorted((one.program_id, one.id, one.clawed_back, one.status) for one in commissions)),
            (self.add_refund, changes.refunds),
            (self.add_booking, changes.bookings.rows),
        )

    def of_tallies(self, tallies: Tallies) -> Sequence[StatementRows]:
        """Return the work that adds up counters and sums, and appends to the outbox."""
        return (
            (self.count_link, tallies.of_links),
            (self.count_membership, tallies.of_memberships),
            (self.add_sums, tallies.of_sums),
            (self.append_range, tallies.ranges),
        )


def _count(table: Any, **keys: str) -> Update:
    """Return the statement that adds to the counters of the row with these keys, given by the names of parameters."""
    is_it = and_(*(getattr(table, column) == bindparam(name) for column, name in keys.items()))
    return (
        update(table)
        .where(is_it)
        .values(
            leads=table.leads + bindparam("more_leads", type_=BigInteger),
            sales=table.sales + bindparam("more_sales", type_=BigInteger),
        )
    )


def _add_sums(dialect: Dialect) -> Insert:
    add = (sqlite.insert if dialect.name == "sqlite" else postgresql.insert)(ConversionSum).inline()
    added = {}
    for name in ("revenue", "earnings"):
        stored, more = ConversionSum.__table__.c[name], add.excluded[name]
        added[name] = func.coalesce(stored + more, stored, more)
    return add.on_conflict_do_update(index_elements=SUM, set_=added)


def _customer_row(customer: CustomerState) -> RowValues:
    return (
        *(customer.program_id, customer.id, customer.status, customer.partner_id, customer.link_id),
        *(customer.customer_key, customer.email_digest, customer.email_mask),
        *(customer.bound_at, customer.bound_event_id),
        *(customer.lead_at, customer.converted_at, customer.updated_at),
    )


def _attribution(lead: LeadState) -> RowValues:
    click = lead.click
    return (None, None, None) if click is None else (click.partner_id, click.link_id, click.event_id)


def _lead_row(lead: LeadState) -> RowValues:
    own = (lead.program_id, lead.id, lead.customer_id, *_attribution(lead), lead.event_name)
    return (*own, *(lead.fields or ()), lead.created_at, lead.confirmed_at)


def _confirmed_row(lead: LeadState) -> RowValues:
    return lead.program_id, lead.id, *_attribution(lead), lead.confirmed_at


def _sale_row(sale: SaleState) -> RowValues:
    return (
        *(sale.program_id, sale.id, sale.customer_id, sale.partner_id, sale.link_id),
        *(sale.transaction_id, sale.amount, sale.currency, sale.refunded),
        *(sale.click_event_id, *(sale.row or ())),
    )


def _commission_row(commission: CommissionState) -> RowValues:
    return (
        *(commission.program_id, commission.id, commission.amount, commission.currency),
        *(commission.clawed_back, commission.status),
        *(commission.row or ()),
    )
