"""Audit queries that compare the stored counters and sums of conversions with the leads, sales and refunds themselves.

The recorder updates them incrementally, and these queries compute them from scratch.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from db.schema.clicks import ClickEvent
from db.schema.commissions import Commission, ConversionSum
from db.schema.conversions import LeadEvent, Refund, Sale
from db.schema.customers import Customer
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.rollups import ConversionBooking
from db.sql.functions import microseconds_of

BOOKED = ("leads", "sales", "revenue", "earnings")
BOOKING_COLUMNS = tuple(name for one in BOOKED for name in (f"booked_{one}", one))
ONE: ColumnElement[int] = literal(1, BigInteger)
NO_CURRENCY: ColumnElement[str] = literal("", String)


def links() -> Select[*tuple[Any, ...]]:
    """Return the query for links whose counters are wrong: code, leads as stored and by the events, and the same of
    sales."""
    link = ReferralLink
    leads, sales = _number(LeadEvent, LeadEvent.link_id), _number(Sale, Sale.link_id)
    counted = (func.coalesce(leads.c.number, 0), func.coalesce(sales.c.number, 0))
    return (
        select(link.code, link.leads, counted[0], link.sales, counted[1])
        .outerjoin(leads, leads.c.link_id == link.id)
        .outerjoin(sales, sales.c.link_id == link.id)
        .where(or_(link.leads != counted[0], link.sales != counted[1]))
        .order_by(link.id)
    )


def memberships() -> Select[*tuple[Any, ...]]:
    """Return the query for memberships whose counters are wrong: program, partner, then the same as for links."""
    member = PartnerProgram
    leads = _number(LeadEvent, LeadEvent.program_id, LeadEvent.partner_id)
    sales = _number(Sale, Sale.program_id, Sale.partner_id)
    counted = (func.coalesce(leads.c.number, 0), func.coalesce(sales.c.number, 0))
    return (
        select(member.program_id, member.partner_id, member.leads, counted[0], member.sales, counted[1])
        .outerjoin(leads, and_(leads.c.program_id == member.program_id, leads.c.partner_id == member.partner_id))
        .outerjoin(sales, and_(sales.c.program_id == member.program_id, sales.c.partner_id == member.partner_id))
        .where(or_(member.leads != counted[0], member.sales != counted[1]))
        .order_by(member.program_id, member.partner_id)
    )


def _number(table: Any, *keys: InstrumentedAttribute[Any]) -> Any:
    counted = select(*keys, func.count().label("number")).select_from(table)
    if table is LeadEvent:
        counted = counted.where(LeadEvent.confirmed_at.is_not(None))
    return counted.group_by(*keys).subquery()


def sums() -> Select[*tuple[Any, ...]]:
    """Return the query for wrong sums: program, partner, link, currency, revenue as stored and by the events, and the
    same of earnings. A sum that should be there counts as stored with zeros."""
    commission = Commission
    earned = _parts(commission, earnings=commission.amount - commission.clawed_back)
    every = union_all(
        _parts(
            ConversionSum,
            stored_revenue=func.coalesce(ConversionSum.revenue, 0),
            stored_earnings=func.coalesce(ConversionSum.earnings, 0),
        ),
        _parts(Sale, revenue=Sale.amount),
        _parts(Refund, revenue=-Refund.amount),
        earned.where(commission.status != "rejected"),
    ).subquery()
    keys = (every.c.program_id, every.c.partner_id, every.c.link_id, every.c.currency)
    names = ("stored_revenue", "revenue", "stored_earnings", "earnings")
    totals = [cast(func.sum(every.c[name]), BigInteger) for name in names]
    wrong = or_(totals[0] != totals[1], totals[2] != totals[3])
    return select(*keys, *totals).group_by(*keys).having(wrong).order_by(*keys)


def _parts(table: Any, **values: ColumnElement[int] | InstrumentedAttribute[int]) -> Select[*tuple[Any, ...]]:
    names = ("stored_revenue", "revenue", "stored_earnings", "earnings")
    nothing = literal(0, BigInteger)
    parts = (values.get(name, nothing).label(name) for name in names)
    return select(table.program_id, table.partner_id, table.link_id, table.currency, *parts)


def refunded_sales() -> Select[*tuple[Any, ...]]:
    """Return the query for sales whose stored refunds differ from the sum of the refunds: program, id, both amounts."""
    refunds = select(Refund.program_id, Refund.sale_id, func.sum(Refund.amount).label("amount"))
    refunds_of = refunds.group_by(Refund.program_id, Refund.sale_id).subquery()
    total = cast(func.coalesce(refunds_of.c.amount, 0), BigInteger)
    of_sale = and_(refunds_of.c.program_id == Sale.program_id, refunds_of.c.sale_id == Sale.id)
    found = select(Sale.program_id, Sale.id, Sale.refunded, total).outerjoin(refunds_of, of_sale)
    return found.where(Sale.refunded != total).order_by(Sale.program_id, Sale.id)


def clawbacks() -> Select[*tuple[Any, ...]]:
    """Return the query for commissions whose stored clawback differs from the sum of their refunds': program, id, and
    both amounts."""
    taken = select(Refund.program_id, Refund.commission_id, func.sum(Refund.clawback).label("amount"))
    taken_of = taken.where(Refund.commission_id.is_not(None)).group_by(Refund.program_id, Refund.commission_id)
    clawed = taken_of.subquery()
    commission = Commission
    total = cast(func.coalesce(clawed.c.amount, 0), BigInteger)
    of_commission = and_(clawed.c.program_id == commission.program_id, clawed.c.commission_id == commission.id)
    found = select(commission.program_id, commission.id, commission.clawed_back, total).outerjoin(clawed, of_commission)
    return found.where(commission.clawed_back != total).order_by(commission.program_id, commission.id)


def customers() -> Select[*tuple[Any, ...]]:
    """Return the query for customers that are bound wrongly: program, id, whether their status is another than their
    leads and sales say, and whether partner and link differ from those of the click that bound them."""
    customer, event = Customer, ClickEvent
    has_sale = _has(Sale)
    has_lead = and_(_has(LeadEvent, LeadEvent.confirmed_at.is_not(None)))
    expected = case((has_sale, "conversion"), (has_lead, "lead"), else_="click")
    is_bound = customer.bound_at.is_not(None)
    wrong_status = or_(customer.customer_status != expected, is_bound != (customer.customer_status != "click"))
    bound_by_another = and_(
        is_bound,
        or_(
            event.id.is_(None),
            event.customer_id != customer.id,
            event.partner_id != customer.partner_id,
            event.link_id != customer.link_id,
        ),
    )
    binding = and_(event.program_id == customer.program_id, event.id == customer.bound_event_id)
    found = select(customer.program_id, customer.id, wrong_status, bound_by_another).outerjoin(event, binding)
    return found.where(or_(wrong_status, bound_by_another)).order_by(customer.program_id, customer.id)


def _has(table: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    own = (table.program_id == Customer.program_id, table.customer_id == Customer.id)
    return select(literal(1)).select_from(table).where(*own, *conditions).exists()


def bookings() -> Select[*tuple[Any, ...]]:
    """Return the query for what is booked wrongly: program, click event, currency, the time in microseconds, and then
    each of `BOOKED` twice, as it is booked and by the events. Leads and sales are compared without a currency."""
    booking, lead, sale, refund, commission = ConversionBooking, LeadEvent, Sale, Refund, Commission
    of_sale = and_(sale.program_id == refund.program_id, sale.id == refund.sale_id)
    of_refund = and_(commission.program_id == refund.program_id, commission.id == refund.commission_id)
    sold = and_(sale.program_id == commission.program_id, sale.id == commission.sale_id)
    signed_up = and_(lead.program_id == commission.program_id, lead.id == commission.lead_id)
    click = func.coalesce(sale.click_event_id, lead.click_event_id)
    counts = not_(commission.status == "rejected")
    every = union_all(
        _booked(booking, booking.click_event_id, leads=booking.leads, sales=booking.sales),
        _booked(booking, booking.click_event_id, booking.currency, revenue=booking.revenue, earnings=booking.earnings),
        _expected(lead, lead.click_event_id, lead.confirmed_at, leads=ONE).where(lead.confirmed_at.is_not(None)),
        _expected(sale, sale.click_event_id, sale.occurred_at, sales=ONE),
        _expected(sale, sale.click_event_id, sale.occurred_at, sale.currency, revenue=sale.amount),
        _expected(refund, sale.click_event_id, refund.created_at, refund.currency, revenue=-refund.amount).join(
            sale, of_sale
        ),
        _expected(refund, sale.click_event_id, refund.created_at, commission.currency, earnings=-refund.clawback)
        .join(sale, of_sale)
        .join(commission, and_(of_refund, counts)),
        _expected(commission, click, commission.occurred_at, commission.currency, earnings=commission.amount)
        .outerjoin(sale, sold)
        .outerjoin(lead, signed_up)
        .where(counts),
    ).subquery()
    place = [every.c[name] for name in ("program_id", "partner_id", "link_id", "event_id", "currency", "at")]
    totals = [cast(func.sum(every.c[name]), BigInteger) for name in BOOKING_COLUMNS]
    wrong = or_(*(booked != events for booked, events in zip(totals[::2], totals[1::2], strict=True)))
    columns = (every.c.program_id, every.c.event_id, every.c.currency, microseconds_of(every.c.at))
    return select(*columns, *totals).group_by(*place).having(wrong).order_by(*place)


def _booked(row: Any, event_id: Any, currency: Any = NO_CURRENCY, **values: Any) -> Select[*tuple[Any, ...]]:
    return _expected(
        row, event_id, row.occurred_at, currency, **{f"booked_{name}": one for name, one in values.items()}
    )


def _expected(row: Any, event_id: Any, at: Any, currency: Any = NO_CURRENCY, **values: Any) -> Select[*tuple[Any, ...]]:
    nothing = literal(0, BigInteger)
    place = (row.program_id, row.partner_id, row.link_id, event_id.label("event_id"), currency.label("currency"))
    columns = (values.get(name, nothing).label(name) for name in BOOKING_COLUMNS)
    return select(*place, at.label("at"), *columns).select_from(row)
