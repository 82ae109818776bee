"""The customers table: the visitors that clicks identified."""

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import CreatedAt, RowId, Text32, Text64, Text255, Timestamp
from db.schema.declarative_base import Base
from db.schema.links import ReferralLink
from db.schema.partners import PartnerProgram

HAS_KEY = "customer_key IS NOT NULL"
IS_UPDATED = "updated_at IS NOT NULL"


class Customer(Base):
    """A visitor, known to downstream calls by `click_id`, and by `customer_key` once the merchant has told it.

    Partner and link are those of the latest click, until a lead or a sale binds them: from `bound_at` on they stay, and
    `bound_event_id` is the click that they came from. The e-mail address is not stored: `email_digest` is a keyed hash
    of it, `email_mask` what people are shown.
    """

    __tablename__ = "customers"
    __table_args__ = (
        ForeignKeyConstraint(["program_id", "partner_id"], [PartnerProgram.program_id, PartnerProgram.partner_id]),
        Index(None, "program_id", "created_at", "id"),
        Index(None, "program_id", "partner_id", "created_at", "id"),
        # Only returning customers: including new ones, which most clicks create, would make a click a tenth more
        # expensive.
        *(
            Index(None, *columns, sqlite_where=text(IS_UPDATED), postgresql_where=text(IS_UPDATED))
            for columns in (("program_id", "updated_at", "id"), ("program_id", "partner_id", "updated_at", "id"))
        ),
        Index(
            "uq_customers_customer_key",
            *("program_id", "customer_key"),
            unique=True,
            sqlite_where=text(HAS_KEY),
            postgresql_where=text(HAS_KEY),
        ),
        CheckConstraint(r"click_id LIKE 'cust\_' || id || '\_%' ESCAPE '\'", name="click_id"),
    )

    program_id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[RowId] = mapped_column(primary_key=True, autoincrement=False)
    click_id: Mapped[Text64]
    customer_status: Mapped[Text32] = mapped_column(server_default="click")
    partner_id: Mapped[RowId]
    link_id: Mapped[RowId] = mapped_column(ForeignKey(ReferralLink.id))
    created_at: Mapped[CreatedAt]
    last_click_at: Mapped[Timestamp]
    customer_key: Mapped[Text255 | None]
    email_digest: Mapped[Text64 | None]
    email_mask: Mapped[Text255 | None]
    bound_at: Mapped[Timestamp | None]
    bound_event_id: Mapped[RowId | None]
    lead_at: Mapped[Timestamp | None]
    converted_at: Mapped[Timestamp | None]
    updated_at: Mapped[Timestamp | None]
    """When the customer last changed; NULL if it has not changed since it was created."""
