"""The tables of click rollups and of the clicks that wait to be added to them."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, Moment, RowId, Text32, Text512, now
from db.schema.declarative_base import Base


class ClickRollup(Base):
    """How many clicks one subject (a program, a partner in it, a link) had in one span of time, by one value of one
    dimension; reports read these.

    No foreign keys: the table is derived from the events, which have them, and the subjects are of three kinds.
    `partner_id` is 0 where a row sums up all partners of a program, so that no partner's view can contain it.
    """

    __tablename__ = "click_rollups"
    # Rows lie in the order of their key, in which reports read them; the other database has no such choice.
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
    """Created by people's clicks."""
    bot_customers: Mapped[Count]
    """Created by bots' clicks."""


class QueuedClicks(Base):
    """Events that one transaction recorded in one program, a range of ids, to be added to the rollups. They are in
    there once `folded_at` is set; a row stays a while longer, for those who watch the end of this table."""

    __tablename__ = "click_rollup_queue"
    __table_args__ = (
        Index(None, "folded_at", "program_id", "id"),
        # An id is never given twice, even after all rows are deleted.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    program_id: Mapped[RowId]
    first_id: Mapped[RowId]
    last_id: Mapped[RowId]
    clicks: Mapped[Count]
    noted_at: Mapped[Moment] = mapped_column(server_default=now())
    folded_at: Mapped[Moment | None]
