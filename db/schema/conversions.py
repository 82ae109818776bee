"""The tables of what follows a click: leads, sales and refunds, and of conversions sent in test mode.

A conversion keeps the partner, the link and the click that it was attributed to when it was recorded.
"""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKeyConstraint, Index, Text, false
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId, Text3, Text32, Text255, Timestamp
from db.schema.customers import Customer
from db.schema.declarative_base import Base
from db.schema.partners import PartnerProgram

IS_PROVISIONAL = "confirmed_at IS NULL"


class LeadEvent(Base):
    """A sign-up. Append-only, but that a provisional lead is confirmed: it counts from then on, for the partner of the
    last click at that moment. Until then it has no partner, no link and no click."""

    __tablename__ = "affiliate_lead_events"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "customer_id"], [Customer.program_id, Customer.id]),
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index("uq_affiliate_lead_events_event_name", "program_id", "customer_id", "event_name", unique=True),
        Index(None, "program_id", "created_at", "id"),
        Index(None, "program_id", "partner_id", "created_at", "id"),
        Index(None, "program_id", "link_id", "created_at", "id"),
        Index(None, "program_id", "customer_id", "created_at", "id"),
        Index(
            "ix_affiliate_lead_events_provisional",
            *("program_id", "customer_id", "id"),
            sqlite_where=sql(IS_PROVISIONAL),
            postgresql_where=sql(IS_PROVISIONAL),
        ),
        CheckConstraint("(confirmed_at IS NULL) = (partner_id IS NULL)", name="confirmed"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[RowId]
    partner_id: Mapped[RowId | None]
    link_id: Mapped[RowId | None]
    click_event_id: Mapped[RowId | None]
    event_name: Mapped[Text255]
    session_id: Mapped[Text255 | None]
    page_url: Mapped[str | None] = mapped_column(Text)
    additional_data: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Timestamp]
    confirmed_at: Mapped[Timestamp | None]
    """When the lead began to count; NULL as long as it is provisional."""


class Sale(Base):
    """A sale. Append-only, but for `refunded`. Amounts are in minor units of the currency."""

    __tablename__ = "affiliate_sales"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "customer_id"], [Customer.program_id, Customer.id]),
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index("uq_affiliate_sales_transaction_id", "program_id", "transaction_id", unique=True),
        Index(None, "program_id", "occurred_at", "id"),
        Index(None, "program_id", "customer_id", "occurred_at", "id"),
        Index(None, "program_id", "partner_id", "occurred_at", "id"),
        Index(None, "program_id", "link_id", "occurred_at", "id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("refunded BETWEEN 0 AND amount", name="refunded"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    customer_id: Mapped[RowId]
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId]
    click_event_id: Mapped[RowId]
    transaction_id: Mapped[Text255]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Text3]
    refunded: Mapped[Count]
    """The sum of the sale's refunds."""
    sale_type: Mapped[Text32]
    is_recurring: Mapped[bool] = mapped_column(Boolean, server_default=false())
    subscription_id: Mapped[Text255 | None]
    subscription_interval: Mapped[Text32 | None]
    product_id: Mapped[Text255 | None]
    line_items: Mapped[str | None] = mapped_column(Text)
    additional_data: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[Timestamp]
    """When the sale happened, as its sender says, or else when it was received."""
    created_at: Mapped[Timestamp]


class Refund(Base):
    """A refund of a sale, and what it took off the sale's commission. Append-only, but for the payout that settles it.
    Amounts are in minor units: `amount` of the sale's currency, `clawback` of the commission's."""

    __tablename__ = "affiliate_refunds"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "sale_id"], [Sale.program_id, Sale.id]),
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(
            "uq_affiliate_refunds_refund_id",
            *("program_id", "sale_id", "refund_id"),
            unique=True,
            sqlite_where=sql("refund_id IS NOT NULL"),
            postgresql_where=sql("refund_id IS NOT NULL"),
        ),
        Index(None, "program_id", "sale_id", "created_at", "id"),
        Index(None, "program_id", "created_at", "id"),
        Index(None, "program_id", "partner_id", "created_at", "id"),
        Index(None, "program_id", "link_id", "created_at", "id"),
        Index(None, "program_id", "customer_id", "created_at", "id"),
        Index(
            "ix_affiliate_refunds_settled",
            *("program_id", "payout_id", "created_at", "id"),
            sqlite_where=sql("payout_id IS NOT NULL"),
            postgresql_where=sql("payout_id IS NOT NULL"),
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("clawback >= 0", name="clawback"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    sale_id: Mapped[RowId]
    customer_id: Mapped[RowId]
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId]
    commission_id: Mapped[RowId | None]
    refund_id: Mapped[Text255 | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Text3]
    clawback: Mapped[Count]
    reason: Mapped[str | None] = mapped_column(Text)
    status: Mapped[Text32]
    """What the refund was answered with: `refunded`, `reversed` or `no_commission`."""
    payout_id: Mapped[RowId | None]
    created_at: Mapped[Timestamp]


class ConversionTestEvent(Base):
    """A lead or a sale sent in test mode, as it was sent, apart from the real ones."""

    __tablename__ = "affiliate_conversion_test_events"
    __table_args__ = (Index(None, "program_id", "created_at", "id"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    program_id: Mapped[RowId | None]
    kind: Mapped[Text32]
    """`lead` or `sale`."""
    body: Mapped[str] = mapped_column(Text)
    """The request's fields, as a JSON object."""
    created_at: Mapped[Timestamp]
