"""The statements that read what conversions depend on, compiled once for the dialect in use.

The rows that conversions change are locked, in the order of the given keys. Timestamps are returned as microseconds
since 1970.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission, CommissionRule
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.id_blocks import IdBlock
from db.schema.programs import Program
from db.sql.batch_statements import BatchStatement, Template, compiled
from db.sql.commit_horizon import LARGEST_ID
from db.sql.functions import microseconds_of

# A customer's leads of more names than this are confirmed by its next sales.
CONFIRMED_LEADS = 100
_program = bindparam("program", type_=BigInteger)
_row = bindparam("row", type_=BigInteger)
# A parameter would be one of the given values.
_ONE: ColumnElement[int] = literal_column("1")
_NONE: ColumnElement[int] = literal_column("0")
_CONFIRMED: ColumnElement[int] = literal_column(str(CONFIRMED_LEADS))
_CUSTOMER = (
    *(Customer.program_id, Customer.id, Customer.click_id, Customer.customer_status),
    *(Customer.partner_id, Customer.link_id, Customer.customer_key, Customer.email_digest, Customer.email_mask),
    *(microseconds_of(Customer.bound_at), Customer.bound_event_id),
    *(microseconds_of(Customer.lead_at), microseconds_of(Customer.converted_at)),
    microseconds_of(func.coalesce(Customer.updated_at, Customer.created_at)),
)
_SALE = (
    *(Sale.program_id, Sale.id, Sale.customer_id, Sale.partner_id, Sale.link_id),
    *(Sale.transaction_id, Sale.amount, Sale.currency, Sale.refunded, Sale.click_event_id),
)
_CLICK = (
    *(ClickEvent.program_id, ClickEvent.customer_id, ClickEvent.id, ClickEvent.link_id, ClickEvent.partner_id),
    microseconds_of(ClickEvent.occurred_at),
)
_RULE = (
    *(CommissionRule.id, CommissionRule.partner_id, CommissionRule.product_id, CommissionRule.basis_points),
    *(CommissionRule.amount, CommissionRule.currency, CommissionRule.duration_months, CommissionRule.hold_days),
    *(CommissionRule.approval, microseconds_of(CommissionRule.effective_from)),
    microseconds_of(CommissionRule.effective_to),
)


def _is(table: Any) -> ColumnElement[bool]:
    return and_(table.program_id == _program, table.id == _row)


def _locked(query: Select[*tuple[Any, ...]], table: Any) -> Select[*tuple[Any, ...]]:
    # Foreign keys that refer to the row may be checked meanwhile.
    return query.with_for_update(of=table, key_share=True)


def _owner() -> Select[*tuple[Any, ...]]:
    """Return the query for the program of the customer with an id and a click id. It looks into each program: an index
    of customers by id alone would cost every click."""
    given = bindparam("click_id", type_=Text)
    owned = select(Customer.click_id).where(Customer.program_id == Program.id, Customer.id == _row)
    return select(given, Program.id, _row).where(owned.correlate_except(Customer).scalar_subquery() == given)


def _latest_click() -> Select[*tuple[Any, ...]]:
    latest = select(ClickEvent.id).where(ClickEvent.program_id == _program, ClickEvent.customer_id == _row)
    latest = latest.order_by(ClickEvent.occurred_at.desc(), ClickEvent.id.desc()).limit(_ONE).offset(_NONE)
    event = ClickEvent.__table__.alias("event")
    columns = (event.c.program_id, event.c.customer_id, event.c.id, event.c.link_id, event.c.partner_id)
    latest_id = latest.correlate_except(ClickEvent).scalar_subquery()
    found = select(*columns, microseconds_of(event.c.occurred_at))
    return found.where(event.c.program_id == _program, event.c.id == latest_id)


def _rules() -> Select[*tuple[Any, ...]]:
    rule = CommissionRule
    event, partner = bindparam("event", type_=Text), bindparam("partner", type_=BigInteger)
    product = bindparam("product", type_=Text)
    return select(_program, event, partner, product, *_RULE).where(
        rule.program_id == _program,
        rule.event == event,
        or_(rule.partner_id.is_(None), rule.partner_id == partner),
        or_(rule.product_id.is_(None), rule.product_id == product),
    )


def _provisional() -> Select[*tuple[Any, ...]]:
    """Return the query for a customer's first provisional leads."""
    lead, other = LeadEvent, LeadEvent.__table__.alias("other")
    beyond = select(other.c.id).where(
        other.c.program_id == _program, other.c.customer_id == _row, other.c.confirmed_at.is_(None)
    )
    beyond = beyond.order_by(other.c.id).offset(_CONFIRMED).limit(_ONE).correlate_except(other)
    return select(lead.program_id, lead.customer_id, lead.event_name, lead.id).where(
        lead.program_id == _program,
        lead.customer_id == _row,
        lead.confirmed_at.is_(None),
        lead.id < func.coalesce(beyond.scalar_subquery(), literal_column(str(LARGEST_ID))),
    )


class ConversionQueries:
    """Each attribute names the values of its keys, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def statement(query: Template, *parameters: str) -> BatchStatement:
            return compiled(dialect, query, parameters)

        customer_key, transaction = bindparam("key", type_=Text), bindparam("transaction", type_=Text)
        self.program = statement(
            select(Program.id, Program.cookie_window_days, Program.currency, Program.lead_auth).where(
                Program.id == _program
            ),
            "program",
        )
        self.owner = statement(_owner(), "click_id", "row")
        by_key = select(Customer.program_id, Customer.id).where(
            Customer.program_id == _program, Customer.customer_key == customer_key
        )
        self.customer_of_key = statement(by_key, "program", "key")
        self.customer = statement(_locked(select(*_CUSTOMER).where(_is(Customer)), Customer), "program", "row")
        self.latest_click = statement(_latest_click(), "program", "row")
        self.click = statement(select(*_CLICK).where(_is(ClickEvent)), "program", "row")
        by_transaction = select(*_SALE).where(Sale.program_id == _program, Sale.transaction_id == transaction)
        self.sale = statement(_locked(by_transaction, Sale), "program", "transaction")
        commission = select(
            *(Commission.program_id, Commission.sale_id, Commission.id),
            *(Commission.amount, Commission.currency, Commission.clawed_back, Commission.status),
        ).where(Commission.program_id == _program, Commission.sale_id == _row)
        self.commission = statement(_locked(commission, Commission), "program", "row")
        refunds = select(
            *(Refund.program_id, Refund.sale_id, Refund.refund_id, Refund.id),
            *(Refund.status, Refund.clawback, Refund.currency, Refund.commission_id),
        )
        of_sale = refunds.where(Refund.program_id == _program, Refund.sale_id == _row)
        named = of_sale.where(Refund.refund_id == bindparam("refund", type_=Text))
        self.refund = statement(named, "program", "row", "refund")
        lead = select(
            *(LeadEvent.program_id, LeadEvent.customer_id, LeadEvent.event_name, LeadEvent.id),
            LeadEvent.confirmed_at.is_(None),
        ).where(LeadEvent.program_id == _program, LeadEvent.customer_id == _row)
        self.lead = statement(
            lead.where(LeadEvent.event_name == bindparam("name", type_=Text)), "program", "row", "name"
        )
        self.provisional = statement(_provisional(), "program", "row")
        self.rules = statement(_rules(), "program", "event", "partner", "product")
        first = select(func.min(Commission.occurred_at)).where(
            Commission.program_id == _program, Commission.customer_id == _row
        )
        first_at = microseconds_of(first.correlate_except(Commission).scalar_subquery())
        self.first_commission = statement(select(_program, _row, first_at), "program", "row")
        self.recorded_sale = statement(select(Sale.program_id, Sale.id).where(_is(Sale)), "program", "row")
        self.recorded_refund = statement(refunds.where(_is(Refund)), "program", "row")
        more = update(IdBlock).where(IdBlock.name == bindparam("kind"))
        more = more.values(next_id=IdBlock.next_id + bindparam("size", type_=BigInteger))
        self.more_ids = statement(more.returning(IdBlock.next_id), "kind", "size")
