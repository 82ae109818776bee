"""The table of what is left to be filled in of stored clicks, see `db.backfill`."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId
from db.schema.declarative_base import Base
from db.schema.programs import Program


class ClickBackfill(Base):
    """A program's clicks from before an upgrade that added derived fields: those with an id up to `last_id`. They have
    these fields up to `filled_to`. The row goes once all of them do."""

    __tablename__ = "click_backfills"

    program_id: Mapped[RowId] = mapped_column(ForeignKey(Program.id), primary_key=True, autoincrement=False)
    filled_to: Mapped[RowId]
    last_id: Mapped[RowId]
    clicks_left: Mapped[Count]
    """About how many clicks are left."""
