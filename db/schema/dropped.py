"""The tables of what is known of clicks that were dropped: how many there were, and what they add to derived data."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId, Timestamp
from db.schema.declarative_base import Base
from db.schema.rollups import ClickCounters, RollupKey


class ClickHorizon(Base):
    """A single row, once clicks were dropped: those with an id below `first_id`, apart from clicks that conversions
    belong to. What is derived from them can no longer be made anew."""

    __tablename__ = "click_horizon"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    first_id: Mapped[RowId]
    first_day: Mapped[Timestamp]
    """The start of the first day in UTC on which there are clicks with larger ids. Rollups of earlier days are of
    dropped clicks alone."""


class DroppedClicks(Base):
    """The clicks of a link and a partner that were dropped, which counters go on counting."""

    __tablename__ = "dropped_clicks"

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    partner_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    link_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    clicks: Mapped[Count]
    last_at: Mapped[Timestamp]


class DroppedRollup(RollupKey, ClickCounters, Base):
    """What clicks below the horizon add to rollups of days from `first_day` on, which have other clicks, too."""

    __tablename__ = "dropped_rollups"
