"""The tables of the outbox: the log of what was committed, and how far each of its consumers has come."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, RowId, Text32, Text64, Timestamp, now
from db.schema.declarative_base import Base


class OutboxRange(Base):
    """Events of one kind that one transaction recorded in one program: all events with an id from `first_id` to
    `last_id`. Append-only; rows that every consumer has processed are deleted after a while.

    PostgreSQL gives out ids before the commit, so that a row may become visible after rows with larger ids.
    """

    __tablename__ = "outbox_ranges"
    __table_args__ = (
        Index(None, "program_id", "id"),
        # An id is never given twice, even after all rows are deleted.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    program_id: Mapped[RowId]
    first_id: Mapped[RowId]
    last_id: Mapped[RowId]
    events: Mapped[Count]
    recorded_at: Mapped[Timestamp] = mapped_column(server_default=now())
    kind: Mapped[Text32]
    consumer: Mapped[Text64 | None]
    """The only consumer that the row is for, which started again from the beginning; null: it is for all of them."""


class OutboxConsumer(Base):
    """A named consumer of the log. It has processed every row up to `position`, except those in its gaps."""

    __tablename__ = "outbox_consumers"

    name: Mapped[Text64] = mapped_column(primary_key=True)
    position: Mapped[RowId]
    complete_to: Mapped[RowId]
    """The position before the first gap: every row up to there is processed, and none can appear there any more."""
    updated_at: Mapped[Timestamp] = mapped_column(server_default=now())


class OutboxHistory(Base):
    """Events of one kind that are yet to be listed in the log for a consumer that begins with the first one: those with
    an id above `listed_to`, up to `last_id`, that no row of the log ahead of the consumer covers."""

    __tablename__ = "outbox_histories"

    consumer: Mapped[Text64] = mapped_column(primary_key=True)
    kind: Mapped[Text32] = mapped_column(primary_key=True)
    listed_to: Mapped[RowId]
    last_id: Mapped[RowId]
    events_left: Mapped[Count]
    """About how many events are left."""


class OutboxGap(Base):
    """Ids below a consumer's position that no row was visible for: a transaction that had not ended yet may still
    commit them. PostgreSQL only."""

    __tablename__ = "outbox_gaps"

    consumer: Mapped[Text64] = mapped_column(primary_key=True)
    first_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    last_id: Mapped[RowId]
    horizon: Mapped[RowId]
    """The ids were taken by transactions whose numbers are below this. Once all of those have ended, ids without a row
    will never have one."""
