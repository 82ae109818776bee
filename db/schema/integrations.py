"""The tables of what is known of a program's integration: runs of the self-test, and where the tracker was loaded."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import RowId, Text32, Text64, Text255, Timestamp
from db.schema.declarative_base import Base
from db.schema.programs import Program


class TestChain(Base):
    """A run of the self-test: the verdicts on its click, lead and sale, whose rows were rolled back. A program keeps
    those of the last hour, for the rate limit, and the last one that passed."""

    __tablename__ = "affiliate_test_chains"

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True, autoincrement=False)
    customer_key: Mapped[Text64] = mapped_column(primary_key=True)
    short_code: Mapped[Text64]
    click: Mapped[Text32]
    lead: Mapped[Text32]
    sale: Mapped[Text32]
    created_at: Mapped[Timestamp]


class TrackerSighting(Base):
    """The last time that a page of the program's domain loaded the tracker script, to the hour."""

    __tablename__ = "tracker_sightings"

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True, autoincrement=False)
    domain: Mapped[Text255]
    """The program's domain at that time."""
    seen_at: Mapped[Timestamp]
