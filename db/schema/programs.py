"""The table of programs."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, CreatedAt, RowId, Text255
from db.schema.declarative_base import Base


class Program(Base):
    """An advertiser's affiliate program, with the number of days during which a click counts."""

    __tablename__ = "affiliate_programs"
    __table_args__ = (CheckConstraint("cookie_window_days BETWEEN 1 AND 3650", name="cookie_window_days"),)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[Text255]
    domain: Mapped[Text255 | None]
    cookie_window_days: Mapped[int] = mapped_column(server_default="60")
    version: Mapped[Count] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
