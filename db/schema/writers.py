"""The table of running click writers, which coordinates gateways that share a PostgreSQL database."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import RowId, Timestamp, now
from db.schema.declarative_base import Base


class RunningWriter(Base):
    """A process that records clicks on PostgreSQL, with its watermarks: it no longer commits an event from before
    `occurred_from` or with an id below `first_event_id`, so clients can follow up to there. A process that stops
    refreshing its row is presumed dead and the row is deleted. The row with id 0 keeps the latest watermark of deleted
    rows."""

    __tablename__ = "click_writers"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    occurred_from: Mapped[Timestamp]
    first_event_id: Mapped[RowId]
    refreshed_at: Mapped[Timestamp] = mapped_column(server_default=now())
