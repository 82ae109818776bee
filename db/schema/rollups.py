"""The table of click rollups."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId, Text32, Text512, Timestamp
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
    bucket_at: Mapped[Timestamp] = mapped_column(primary_key=True)
    value: Mapped[Text512] = mapped_column(primary_key=True)
    partner_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    people: Mapped[Count]
    bots: Mapped[Count]
    customers: Mapped[Count]
    """Customers created by people's clicks."""
    bot_customers: Mapped[Count]
    """Created by bots' clicks."""
