"""The tables of commission rules, commissions and payouts, and of the sums of conversions.

Amounts are integers in minor units of their currency.
"""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, CreatedAt, RowId, Text3, Text32, Text255, Timestamp
from db.schema.customers import Customer
from db.schema.declarative_base import Base
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program

UNPAID = "payout_id IS NULL"
PAID = "payout_id IS NOT NULL"


class CommissionRule(Base):
    """What a sale or a lead earns a partner, from `effective_from` until `effective_to`. Only its end ever changes.
    Without a partner or a product it is for all of them. A percentage has basis points; a fixed commission has an
    amount and a currency."""

    __tablename__ = "commission_rules"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(None, "program_id", "event", "effective_from"),
        CheckConstraint("event IN ('sale', 'lead')", name="event"),
        CheckConstraint(
            "(kind = 'percent' AND basis_points BETWEEN 0 AND 10000 AND amount IS NULL AND currency IS NULL)"
            " OR (kind = 'fixed' AND basis_points IS NULL AND amount >= 0 AND currency IS NOT NULL)",
            name="kind",
        ),
        CheckConstraint("event = 'sale' OR kind = 'fixed'", name="lead"),
        CheckConstraint("duration_months >= 0", name="duration_months"),
        CheckConstraint("hold_days BETWEEN 0 AND 365", name="hold_days"),
        CheckConstraint("approval IN ('auto', 'manual')", name="approval"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id))
    partner_id: Mapped[RowId | None]
    product_id: Mapped[Text255 | None]
    event: Mapped[Text32]
    kind: Mapped[Text32]
    basis_points: Mapped[int | None]
    amount: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[Text3 | None]
    duration_months: Mapped[int | None]
    hold_days: Mapped[int] = mapped_column(server_default="15")
    approval: Mapped[Text32] = mapped_column(server_default="auto")
    effective_from: Mapped[Timestamp]
    effective_to: Mapped[Timestamp | None]
    created_at: Mapped[CreatedAt]


class Commission(Base):
    """What a sale or a lead earned its partner. `amount` never changes; refunds add to `clawed_back`.

    `status` is `pending`, `approved` (by hand), `rejected`, `paid` or `reversed`. A pending commission whose rule
    approves by itself counts as approved from `hold_until` on; nothing is written then.
    """

    __tablename__ = "commissions"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "customer_id"], [Customer.program_id, Customer.id]),
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index("uq_commissions_sale_id", "program_id", "sale_id", unique=True),
        Index("uq_commissions_lead_id", "program_id", "lead_id", unique=True),
        Index(None, "program_id", "occurred_at", "id"),
        Index(None, "program_id", "partner_id", "occurred_at", "id"),
        Index(None, "program_id", "link_id", "occurred_at", "id"),
        Index(None, "program_id", "customer_id", "occurred_at", "id"),
        Index(
            "ix_commissions_unpaid",
            *("program_id", "partner_id", "currency", "hold_until"),
            # All that a balance needs, so that it is read from the index alone.
            *("status", "approval", "approved_at", "amount", "clawed_back", "payout_id"),
            sqlite_where=sql(UNPAID),
            postgresql_where=sql(UNPAID),
        ),
        Index(
            "ix_commissions_paid",
            *("program_id", "payout_id", "occurred_at", "id"),
            sqlite_where=sql(PAID),
            postgresql_where=sql(PAID),
        ),
        CheckConstraint("(sale_id IS NULL) <> (lead_id IS NULL)", name="earned_by"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("clawed_back BETWEEN 0 AND amount", name="clawed_back"),
        CheckConstraint("status IN ('pending', 'approved', 'rejected', 'paid', 'reversed')", name="status"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId]
    customer_id: Mapped[RowId]
    sale_id: Mapped[RowId | None]
    lead_id: Mapped[RowId | None]
    rule_id: Mapped[RowId] = mapped_column(ForeignKey(CommissionRule.id))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Text3]
    clawed_back: Mapped[Count]
    status: Mapped[Text32] = mapped_column(server_default="pending")
    approval: Mapped[Text32]
    """The rule's, so that the status can be told from the row alone."""
    hold_until: Mapped[Timestamp]
    approved_at: Mapped[Timestamp | None]
    """When it was approved by hand."""
    rejected_reason: Mapped[Text255 | None]
    payout_id: Mapped[RowId | None]
    occurred_at: Mapped[Timestamp]
    """The sale's or the lead's."""
    created_at: Mapped[Timestamp]


class Payout(Base):
    """A payment to a partner: the commissions that were approved up to a moment, less the clawbacks of paid ones."""

    __tablename__ = "payouts"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(None, "program_id", "partner_id", "created_at", "id"),
        CheckConstraint("amount > 0", name="amount"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id))
    partner_id: Mapped[RowId]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[Text3]
    up_to: Mapped[Timestamp]
    note: Mapped[Text255 | None]
    created_at: Mapped[CreatedAt]


class ConversionSum(Base):
    """The running sums of a link's conversions for a partner in one currency, written with every conversion: revenue,
    net of refunds, and earnings, which are commissions that were not rejected, net of clawbacks."""

    __tablename__ = "conversion_sums"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(None, "link_id"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    partner_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    link_id: Mapped[RowId] = mapped_column(ForeignKey(ReferralLink.id), primary_key=True, autoincrement=False)
    currency: Mapped[Text3] = mapped_column(primary_key=True)
    revenue: Mapped[int | None] = mapped_column(BigInteger)
    """NULL as long as there was no sale in this currency."""
    earnings: Mapped[int | None] = mapped_column(BigInteger)
    """NULL as long as there was no commission in this currency."""
