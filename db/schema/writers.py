"""The table of running writers."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Moment, RowId, now
from db.schema.declarative_base import Base


class RunningWriter(Base):
    """A process that records clicks on PostgreSQL, and what it promises to those who follow them: it commits no event
    of before `occurred_from` any more, nor one with an id below `first_event_id`. A process that does not renew its row
    is taken for dead, and the row removed; the row with the id 0 keeps the latest promise of removed ones."""

    __tablename__ = "click_writers"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    occurred_from: Mapped[Moment]
    first_event_id: Mapped[RowId]
    refreshed_at: Mapped[Moment] = mapped_column(server_default=now())
