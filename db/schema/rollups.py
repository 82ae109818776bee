"""The tables of click rollups, which reports read, and of the clicks that are still to be added to them."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, Moment, RowId, Text32, Text512, now
from db.schema.declarative_base import Base


class ClickRollup(Base):
    """The number of clicks of one subject (a program, a partner in it, or a link) in one span of time, for one value of
    one dimension.

    There are no foreign keys: the table is derived from events, which have them, and subjects are of three kinds.
    `partner_id` is 0 in rows that sum up all of a program's partners, so that no partner can see them.
    """

    __tablename__ = "click_rollups"
    # Rows are stored in the order of the primary key, in which reports read them. PostgreSQL has no such option.
    __table_args__ = ({"sqlite_with_rowid": False},)

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[Text32] = mapped_column(primary_key=True)
    subject_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    dimension: Mapped[Text32] = mapped_column(primary_key=True)
    span_seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket_at: Mapped[Moment] = mapped_column(primary_key=True)
    value: Mapped[Text512] = mapped_column(primary_key=True)
    partner_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    people: Mapped[Count]
    bots: Mapped[Count]
    customers: Mapped[Count]
    """Customers created by people's clicks."""
    bot_customers: Mapped[Count]
    """Customers created by bots' clicks."""


class QueuedClicks(Base):
    """A range of event ids that one transaction recorded in one program. The rollups contain these events once
    `folded_at` is set; the row is kept a while longer for readers that poll the end of this table."""

    __tablename__ = "click_rollup_queue"
    __table_args__ = (
        Index(None, "folded_at", "program_id", "id"),
        # Ids are never reused, even after all rows are deleted.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    program_id: Mapped[RowId]
    first_id: Mapped[RowId]
    last_id: Mapped[RowId]
    clicks: Mapped[Count]
    noted_at: Mapped[Moment] = mapped_column(server_default=now())
    folded_at: Mapped[Moment | None]
