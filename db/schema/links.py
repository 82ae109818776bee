"""The tables of referral links and of the link directory's version."""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, CreatedAt, RowId, Text32, Text64, Text2048, Timestamp
from db.schema.declarative_base import Base
from db.schema.partners import Partner, PartnerProgram
from db.schema.programs import Program


class ReferralLink(Base):
    """A referral code that visitors arrive with. The foreign key to the membership guarantees that a click's counters
    exist. A link without a partner or a program is a configuration error, which the endpoint reports."""

    __tablename__ = "referral_links"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        CheckConstraint("length(code) BETWEEN 1 AND 64", name="code"),
        CheckConstraint("status IN ('active', 'inactive')", name="status"),
        CheckConstraint("clicks >= 0", name="clicks"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    code: Mapped[Text64] = mapped_column(unique=True)
    destination_url: Mapped[Text2048 | None]
    status: Mapped[Text32] = mapped_column(server_default="active")
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id), index=True)
    partner_id: Mapped[RowId | None] = mapped_column(ForeignKey(Partner.id), index=True)
    clicks: Mapped[Count]
    leads: Mapped[Count]
    sales: Mapped[Count]
    last_clicked: Mapped[Timestamp | None]
    version: Mapped[Count] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]


class DirectoryVersion(Base):
    """A single row whose version each change of a link, of a program or of who is suspended increments. The row's lock
    makes versions visible in order, so a reader that asks for newer versions misses no change. Clicks never touch
    it."""

    __tablename__ = "link_directory_version"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Count]
    reload_version: Mapped[Count]
