"""The customers table: the visitors that clicks identified."""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import CreatedAt, RowId, Text32, Text64, Timestamp
from db.schema.declarative_base import Base
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram

IS_UPDATED = "updated_at IS NOT NULL"


class Customer(Base):
    """A visitor, known to downstream calls by `click_id`. Partner and link are those of the latest click."""

    __tablename__ = "customers"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(None, "program_id", "created_at", "id"),
        Index(None, "program_id", "partner_id", "created_at", "id"),
        # Only returning customers: including new ones, which most clicks create, would make a click a tenth more
        # expensive.
        *(
            Index(None, *columns, sqlite_where=text(IS_UPDATED), postgresql_where=text(IS_UPDATED))
            for columns in (("program_id", "updated_at", "id"), ("program_id", "partner_id", "updated_at", "id"))
        ),
        CheckConstraint(r"click_id LIKE 'cust\_' || id || '\_%' ESCAPE '\'", name="click_id"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    click_id: Mapped[Text64]
    customer_status: Mapped[Text32] = mapped_column(server_default="click")
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId] = mapped_column(ForeignKey(ReferralLink.id))
    created_at: Mapped[CreatedAt]
    last_click_at: Mapped[Timestamp]
    updated_at: Mapped[Timestamp | None]
    """When the customer last changed; NULL if it has not changed since it was created."""
