"""The tables of click and conversion rollups, and of the bookings that conversion rollups add up."""

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId, Text3, Text32, Timestamp
from db.schema.declarative_base import Base


class RollupKey:
    """What both tables of rollups are keyed by.

    There are no foreign keys: the tables are derived from events, which have them, and subjects are of three kinds.
    `partner_id` is 0 in rows that sum up all of a program's partners, so that no partner can see them. It is a part of
    the key because a link may move to another partner, which leaves what was counted to the former one.
    """

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[Text32] = mapped_column(primary_key=True)
    subject_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    span_seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket_at: Mapped[Timestamp] = mapped_column(primary_key=True)
    partner_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)


class ClickCounters:
    """What is counted of clicks."""

    people: Mapped[Count]
    bots: Mapped[Count]
    customers: Mapped[Count]
    """Customers created by people's clicks."""
    bot_customers: Mapped[Count]
    """Created by bots' clicks."""


class ClickRollup(RollupKey, ClickCounters, Base):
    """The number of clicks of one subject (a program, a partner in it, or a link) in one span of time."""

    __tablename__ = "click_rollups"
    # Rows are stored in the order of the primary key, in which reports read them. PostgreSQL has no such option.
    __table_args__ = ({"sqlite_with_rowid": False},)


class ConversionRollup(RollupKey, Base):
    """The sums of one subject's bookings in one span of time and in one currency: those attributed to people's clicks,
    and beside them those attributed to bots'."""

    __tablename__ = "conversion_rollups"
    __table_args__ = ({"sqlite_with_rowid": False},)

    currency: Mapped[Text3] = mapped_column(primary_key=True)
    leads: Mapped[Count]
    sales: Mapped[Count]
    revenue: Mapped[Count]
    earnings: Mapped[Count]
    bot_leads: Mapped[Count]
    bot_sales: Mapped[Count]
    bot_revenue: Mapped[Count]
    bot_earnings: Mapped[Count]


class ConversionBooking(Base):
    """What a conversion adds to reports at one time, in one currency. Append-only.

    `kind` and `id` are those of the outbox's events: a lead, a sale, a refund, or a commission that was rejected. A
    rejection takes off what the commission and its clawbacks had added, at the times at which they had added it.
    """

    __tablename__ = "conversion_bookings"
    __table_args__ = (Index(None, "program_id", "occurred_at"), {"sqlite_with_rowid": False})

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Text32] = mapped_column(primary_key=True)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    currency: Mapped[Text3] = mapped_column(primary_key=True)
    """Empty for a lead that earned nothing."""
    occurred_at: Mapped[Timestamp] = mapped_column(primary_key=True)
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId]
    click_event_id: Mapped[RowId]
    """The click that the conversion is attributed to."""
    leads: Mapped[int] = mapped_column(BigInteger)
    sales: Mapped[int] = mapped_column(BigInteger)
    revenue: Mapped[int] = mapped_column(BigInteger)
    """In minor units of the currency, like `earnings`."""
    earnings: Mapped[int] = mapped_column(BigInteger)
