"""The tables of what is known of a program's integration: runs of the self-test, the sites that load the tracker, and
codes that its visitors bring and no link has."""

from sqlalchemy import BigInteger, ForeignKey
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


class TrackerSite(Base):
    """The last time that a page of a host loaded the tracker script, to the hour. A program keeps its own domain and
    the hosts below it that were seen last."""

    __tablename__ = "tracker_sites"

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True, autoincrement=False)
    host: Mapped[Text255] = mapped_column(primary_key=True)
    """In lower case, with its port if that is unusual."""
    domain: Mapped[Text255]
    """The program's domain at that time: the host, or what the host is a subdomain of."""
    seen_at: Mapped[Timestamp]


class UnknownCode(Base):
    """A code that no link had when visitors of the program's site brought it. A program keeps those that came more than
    once and came last."""

    __tablename__ = "unknown_codes"

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True, autoincrement=False)
    code: Mapped[Text64] = mapped_column(primary_key=True)
    clicks: Mapped[int] = mapped_column(BigInteger)
    last_page: Mapped[Text255]
    """The host and path of the page that the last one landed on, without its query."""
    first_seen_at: Mapped[Timestamp]
    last_seen_at: Mapped[Timestamp]
