"""The table of API tokens."""

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import CreatedAt, RowId, Text32, Text64, Text255, Timestamp
from db.schema.declarative_base import Base
from db.schema.partners import Partner
from db.schema.programs import Program


class ApiToken(Base):
    """A token, stored as a hash. The roles `program` and `tracking` are bound to a program, `partner` to a partner; a
    partner's token may be limited to one program."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(
            "(role = 'admin' AND program_id IS NULL AND partner_id IS NULL)"
            " OR (role IN ('program', 'tracking') AND program_id IS NOT NULL AND partner_id IS NULL)"
            " OR (role = 'partner' AND partner_id IS NOT NULL)",
            name="scope",
        ),
    )

    id: Mapped[RowId] = mapped_column(primary_key=True)
    token_hash: Mapped[Text64] = mapped_column(unique=True)
    role: Mapped[Text32]
    program_id: Mapped[RowId | None] = mapped_column(ForeignKey(Program.id))
    partner_id: Mapped[RowId | None] = mapped_column(ForeignKey(Partner.id))
    label: Mapped[Text255 | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Timestamp | None]
    revoked_at: Mapped[Timestamp | None]
    last_used_at: Mapped[Timestamp | None]
