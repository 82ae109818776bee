"""The table of programs."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import Count, CreatedAt, RowId, Text3, Text32, Text255
from db.schema.declarative_base import Base


class Program(Base):
    """An advertiser's affiliate program, with the number of days during which a click counts."""

    __tablename__ = "affiliate_programs"
    __table_args__ = (
        CheckConstraint("cookie_window_days BETWEEN 1 AND 3650", name="cookie_window_days"),
        CheckConstraint("lead_auth IN ('browser', 'server')", name="lead_auth"),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    name: Mapped[Text255]
    domain: Mapped[Text255 | None]
    cookie_window_days: Mapped[int] = mapped_column(server_default="60")
    currency: Mapped[Text3] = mapped_column(server_default="USD")
    """The ISO 4217 code of sales that name none."""
    lead_auth: Mapped[Text32] = mapped_column(server_default="browser")
    """`server`: a lead without the program's token is provisional until one with it, or a sale, confirms it."""
    version: Mapped[Count] = mapped_column(index=True)
    created_at: Mapped[CreatedAt]
