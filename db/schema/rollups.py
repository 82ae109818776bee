"""The table of click rollups."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base
from db.schema.columns import Count, Moment, RowId, Text32, Text512


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
