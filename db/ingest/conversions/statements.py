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
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from db.ingest.conversions.state import MOST_PROVISIONAL
from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission, CommissionRule
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.id_blocks import IdBlock
from db.schema.programs import Program
from db.sql.batch_statements import BatchStatement, Template, compiled, compiled_with_locks
from db.sql.commit_horizon import LARGEST_ID
from db.sql.functions import microseconds_of

_program_id = bindparam("program", type_=BigInteger)
_row = bindparam("row", type_=BigInteger)
# A parameter would be one of the given values.
_ONE: ColumnElement[int] = literal_column("1")
_NONE: ColumnElement[int] = literal_column("0")
_CONFIRMED: ColumnElement[int] = literal_column(str(MOST_PROVISIONAL))
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
_REFUND = (
    *(Refund.program_id, Refund.sale_id, Refund.refund_id, Refund.id),
    *(Refund.status, Refund.clawback, Refund.currency, Refund.commission_id),
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
    return and_(table.program_id == _program_id, table.id == _row)


def _owner() -> Select[*tuple[Any, ...]]:
    """Return the query for the program of the customer with an id and a click id. It looks into each program: an index
    of customers by id alone would cost every click."""
    given = bindparam("click_id", type_=Text)
    found = select(given, Program.id, _row).join_from(Program, Customer, Customer.program_id == Program.id)
    return found.where(Customer.id == _row, Customer.click_id == given)


def _latest_click() -> Select[*tuple[Any, ...]]:
    event = ClickEvent.__table__.alias("event")
    latest = select(ClickEvent.id).where(
        ClickEvent.program_id == Customer.program_id, ClickEvent.customer_id == Customer.id
    )
    latest = latest.order_by(ClickEvent.occurred_at.desc(), ClickEvent.id.desc()).limit(_ONE).offset(_NONE)
    is_latest = event.c.id == latest.correlate(Customer).scalar_subquery()
    columns = (event.c.program_id, event.c.customer_id, event.c.id, event.c.link_id, event.c.partner_id)
    found = select(*columns, microseconds_of(event.c.occurred_at))
    found = found.join_from(Customer, event, and_(event.c.program_id == Customer.program_id, is_latest))
    return found.where(_is(Customer))


def _rules() -> Select[*tuple[Any, ...]]:
    rule = CommissionRule
    event, partner = bindparam("event", type_=Text), bindparam("partner", type_=BigInteger)
    product = bindparam("product", type_=Text)
    return select(_program_id, event, partner, product, *_RULE).where(
        rule.program_id == _program_id,
        rule.event == event,
        or_(rule.partner_id.is_(None), rule.partner_id == partner),
        or_(rule.product_id.is_(None), rule.product_id == product),
    )


def _provisional() -> Select[*tuple[Any, ...]]:
    """Return the query for a customer's provisional leads. Versions before the limit recorded more; its next sales
    confirm those."""
    lead, other = LeadEvent, LeadEvent.__table__.alias("other")
    beyond = select(other.c.id).where(
        other.c.program_id == Customer.program_id, other.c.customer_id == Customer.id, other.c.confirmed_at.is_(None)
    )
    beyond = beyond.order_by(other.c.id).offset(_CONFIRMED).limit(_ONE).correlate(Customer)
    of_customer = and_(lead.program_id == Customer.program_id, lead.customer_id == Customer.id)
    found = select(lead.program_id, lead.customer_id, lead.event_name, lead.id).join_from(Customer, lead, of_customer)
    return found.where(
        _is(Customer),
        lead.confirmed_at.is_(None),
        lead.id < func.coalesce(beyond.scalar_subquery(), literal_column(str(LARGEST_ID))),
    )


def _recorded_lead() -> Select[*tuple[Any, ...]]:
    """Return the query for whether the lead with an id was recorded as provisional. It looks into each program, as
    `_owner` does. A lead that was confirmed later than it was recorded was provisional at first."""
    lead = LeadEvent
    was_provisional = case((lead.confirmed_at == lead.created_at, _NONE), else_=_ONE)
    found = select(_row, was_provisional).join_from(Program, lead, lead.program_id == Program.id)
    return found.where(lead.id == _row)


def _program() -> Select[*tuple[Any, ...]]:
    terms = (Program.cookie_window_days, Program.currency, Program.lead_auth)
    return select(Program.id, *terms).where(Program.id == _program_id)


def _customer_of_key() -> Select[*tuple[Any, ...]]:
    customer_key = bindparam("key", type_=Text)
    found = select(Customer.program_id, Customer.id)
    return found.where(Customer.program_id == _program_id, Customer.customer_key == customer_key)


def _lead() -> Select[*tuple[Any, ...]]:
    lead = LeadEvent
    columns = (lead.program_id, lead.customer_id, lead.event_name, lead.id, lead.confirmed_at.is_(None))
    name = bindparam("name", type_=Text)
    return select(*columns).where(lead.program_id == _program_id, lead.customer_id == _row, lead.event_name == name)


def _sale() -> Select[*tuple[Any, ...]]:
    transaction = bindparam("transaction", type_=Text)
    return select(*_SALE).where(Sale.program_id == _program_id, Sale.transaction_id == transaction)


def _commission() -> Select[*tuple[Any, ...]]:
    """Return the query for the commission of a sale."""
    columns = (
        *(Commission.program_id, Commission.sale_id, Commission.id),
        *(Commission.amount, Commission.currency, Commission.clawed_back, Commission.status),
    )
    return select(*columns).where(Commission.program_id == _program_id, Commission.sale_id == _row)


def _refund() -> Select[*tuple[Any, ...]]:
    refund_id = bindparam("refund", type_=Text)
    found = select(*_REFUND).where(Refund.program_id == _program_id, Refund.sale_id == _row)
    return found.where(Refund.refund_id == refund_id)


def _first_commission() -> Select[*tuple[Any, ...]]:
    """Return the query for when a customer earned its first commission, NULL if there is none."""
    first = select(func.min(Commission.occurred_at)).where(
        Commission.program_id == Customer.program_id, Commission.customer_id == Customer.id
    )
    earned_at = first.correlate(Customer).scalar_subquery()
    return select(Customer.program_id, Customer.id, microseconds_of(earned_at)).where(_is(Customer))


def _more_ids() -> ReturningUpdate[Any]:
    size = bindparam("size", type_=BigInteger)
    more = update(IdBlock).where(IdBlock.name == bindparam("kind")).values(next_id=IdBlock.next_id + size)
    return more.returning(IdBlock.next_id)


class ConversionQueries:
    """Each attribute names the values of its keys, in order."""

    def __init__(self, dialect: Dialect) -> None:
        def statement(query: Template, *parameters: str) -> BatchStatement:
            return compiled(dialect, query, parameters)

        def locked(query: Select[*tuple[Any, ...]], table: Any, *parameters: str) -> BatchStatement:
            return compiled_with_locks(dialect, query, table, parameters)

        self.program = statement(_program(), "program")
        self.owner = statement(_owner(), "click_id", "row")
        self.customer_of_key = statement(_customer_of_key(), "program", "key")
        self.customer = locked(select(*_CUSTOMER).where(_is(Customer)), Customer, "program", "row")
        self.latest_click = statement(_latest_click(), "program", "row")
        self.click = statement(select(*_CLICK).where(_is(ClickEvent)), "program", "row")
        self.sale = locked(_sale(), Sale, "program", "transaction")
        self.commission = locked(_commission(), Commission, "program", "row")
        self.refund = statement(_refund(), "program", "row", "refund")
        self.lead = statement(_lead(), "program", "row", "name")
        self.provisional = statement(_provisional(), "program", "row")
        self.rules = statement(_rules(), "program", "event", "partner", "product")
        self.first_commission = statement(_first_commission(), "program", "row")
        self.recorded_lead = statement(_recorded_lead(), "row")
        self.recorded_sale = statement(select(Sale.program_id, Sale.id).where(_is(Sale)), "program", "row")
        self.recorded_refund = statement(select(*_REFUND).where(_is(Refund)), "program", "row")
        self.more_ids = statement(_more_ids(), "kind", "size")
