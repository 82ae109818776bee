"""The tables of partners and of their memberships in programs."""

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, CreatedAt, RowId, Text255, Timestamp
from db.schema.declarative_base import Base
from db.schema.programs import Program


class Partner(Base):
    """A partner who refers visitors to one or more programs."""

    __tablename__ = "affiliate_partners"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[Text255]
    email: Mapped[Text255 | None]
    created_at: Mapped[CreatedAt]


class PartnerProgram(Base):
    """A partner's membership in a program, with its counters and whether it is suspended."""

    __tablename__ = "partner_programs"
    __table_args__ = (CheckConstraint("clicks >= 0", name="clicks"),)

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True)
    partner_id: Mapped[RowId] = mapped_column(ForeignKey(Partner.id), primary_key=True, index=True)
    clicks: Mapped[Count]
    leads: Mapped[Count]
    sales: Mapped[Count]
    last_clicked_at: Mapped[Timestamp | None]
    suspended_at: Mapped[Timestamp | None]
    """Since when the partner's links in the program record no clicks, whatever their own status. None if they do."""
    version: Mapped[Count] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
