"""The tables of recorded clicks and of test clicks."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    case,
    false,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from db.schema.columns import RowId, Text64, Timestamp, text
from db.schema.customers import Customer
from db.schema.declarative_base import Base
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram
from db.schema.programs import Program
from db.schema.visit_fields import VISIT_FIELDS, VisitField


class VisitColumns:
    """A column for each of `VISIT_FIELDS`, which clicks and test clicks share."""

    if TYPE_CHECKING:
        # The columns that are named in Python.
        page_url: Mapped[str | None]
        page_title: Mapped[str | None]
        referrer_host: Mapped[str | None]
        landing_page: Mapped[str | None]
        session_id: Mapped[str | None]
        existing_click_id: Mapped[str | None]
        event_id: Mapped[str | None]
        additional_data: Mapped[str | None]
        is_bot: Mapped[bool]
        ip_address: Mapped[str | None]


def _column(field: VisitField) -> MappedColumn[Any]:
    if field.type == "flag":
        return mapped_column(Boolean, nullable=False, server_default=false())
    return mapped_column(Text if field.length is None else text(field.length), nullable=True)


for _field in VISIT_FIELDS:
    setattr(VisitColumns, _field.name, _column(_field))


def value_of(row: Any, field: VisitField) -> ColumnElement[Any]:
    """Return a field's value in a row of a table with `VisitColumns`."""
    column: ColumnElement[Any] = getattr(row, field.name)
    return case((column == "", getattr(row, field.same_as)), else_=column) if field.same_as else column


class ClickEvent(VisitColumns, Base):
    """One recorded click. Append-only, but that `db.backfill` fills in derived fields which later versions added.

    On PostgreSQL each month is a partition, see `db.partitions`, with a unique index on `event_id` of its own.
    """

    __tablename__ = "affiliate_click_events"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        ForeignKeyConstraint(["program_id", "customer_id"], [Customer.program_id, Customer.id]),
        Index(
            "uq_affiliate_click_events_event_id",
            "program_id",
            "event_id",
            unique=True,
            sqlite_where=sql("event_id IS NOT NULL"),
        ).ddl_if(dialect="sqlite"),
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
    occurred_at: Mapped[Timestamp]
    affiliate_url: Mapped[str] = mapped_column(Text)


class ClickTestEvent(VisitColumns, Base):
    """A click sent in test mode, apart from the real ones, so that nothing that counts can see it."""

    __tablename__ = "affiliate_click_test_events"
    __table_args__ = (Index(None, "program_id", "occurred_at", "id"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id))
    occurred_at: Mapped[Timestamp]
    affiliate_url: Mapped[str | None] = mapped_column(Text)
