"""The tables of segments: columnar copies of clicks and of bookings, which reports by dimension read."""

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId, Text32, Timestamp
from db.schema.declarative_base import Base


class ReportSegment(Base):
    """Some of a program's clicks or bookings as one Parquet file. Derived from events; rows are only inserted and
    deleted, never updated."""

    __tablename__ = "report_segments"

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Text32] = mapped_column(primary_key=True)
    """`click` or `booking`."""
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    """The id of the last row of the outbox whose events it has; a younger segment has a larger one."""
    month: Mapped[Count]
    """The month that its clicks' ids begin with, such as 202611; 0 for ids without a month, and for bookings."""
    events: Mapped[Count]
    first_at: Mapped[Timestamp]
    last_at: Mapped[Timestamp]
    checksum: Mapped[int] = mapped_column(BigInteger)
    """CRC-32 of the data. Two segments with the same key may differ, if one replaced the other."""
    # Last, so that reading the other columns does not read it.
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ReportSegmentTotal(Base):
    """How many segments and events there should be of a program: a segment that got lost is noticed by it."""

    __tablename__ = "report_segment_totals"

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Text32] = mapped_column(primary_key=True)
    segments: Mapped[Count]
    events: Mapped[Count]
