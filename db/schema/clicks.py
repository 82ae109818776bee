"""The tables of recorded clicks and of test clicks."""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Moment, RowId, Text32, Text64, Text128, Text255, Text512, Text2048
from db.schema.customers import Customer
from db.schema.declarative_base import Base
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program


class VisitColumns:
    """What is known of one visit: as the visitor's browser said it, then as the server derived it."""

    page_url: Mapped[Text2048 | None]
    page_title: Mapped[Text512 | None]
    referrer_url: Mapped[Text2048 | None]
    referrer_host: Mapped[Text255 | None]
    session_id: Mapped[Text128 | None]
    user_agent: Mapped[Text512 | None]
    screen_resolution: Mapped[Text32 | None]
    viewport_size: Mapped[Text32 | None]
    language: Mapped[Text64 | None]
    timezone: Mapped[Text64 | None]
    existing_click_id: Mapped[Text128 | None]
    event_id: Mapped[Text64 | None]
    additional_data: Mapped[str | None] = mapped_column(Text)
    is_bot: Mapped[bool] = mapped_column(server_default=false())
    device_type: Mapped[Text32 | None]
    device_brand: Mapped[Text64 | None]
    device_model: Mapped[Text128 | None]
    os: Mapped[Text64 | None]
    os_version: Mapped[Text32 | None]
    browser: Mapped[Text64 | None]
    browser_version: Mapped[Text32 | None]
    country: Mapped[Text32 | None]
    region: Mapped[Text128 | None]
    city: Mapped[Text128 | None]
    ip_address: Mapped[Text64 | None]


class ClickEvent(VisitColumns, Base):
    """One recorded click. Append-only."""

    __tablename__ = "affiliate_click_events"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        ForeignKeyConstraint(["program_id", "customer_id"], [Customer.program_id, Customer.id]),
        Index(
            "uq_affiliate_click_events_event_id",
            "program_id",
            "event_id",
            unique=True,
            sqlite_where=text("event_id IS NOT NULL"),
            postgresql_where=text("event_id IS NOT NULL"),
        ),
        Index(None, "program_id", "occurred_at", "id"),
        Index(None, "program_id", "link_id", "occurred_at", "id"),
        Index(None, "program_id", "partner_id", "occurred_at", "id"),
        Index(None, "program_id", "customer_id", "occurred_at", "id"),
        CheckConstraint("length(event_id) BETWEEN 1 AND 64", name="event_id"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    link_id: Mapped[RowId] = mapped_column(ForeignKey(ReferralLink.id))
    partner_id: Mapped[RowId]
    customer_id: Mapped[RowId]
    click_id: Mapped[Text64]
    occurred_at: Mapped[Moment]
    affiliate_url: Mapped[str] = mapped_column(Text)


class ClickTestEvent(VisitColumns, Base):
    """A click sent in test mode, apart from the real ones, so that nothing that counts can see it."""

    __tablename__ = "affiliate_click_test_events"
    __table_args__ = (Index(None, "program_id", "occurred_at", "id"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id))
    occurred_at: Mapped[Moment]
    affiliate_url: Mapped[str | None] = mapped_column(Text)
