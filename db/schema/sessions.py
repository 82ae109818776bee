"""The tables of signed-in browsers, and of the links that sign them in."""

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.columns import CreatedAt, RowId, Text64, Timestamp
from db.schema.declarative_base import Base
from db.schema.tokens import ApiToken


class WebSession(Base):
    """A signed-in browser, whose cookie holds a secret that is stored only as a hash. A session belongs to the token
    that it was opened with. One that was opened with the administrator's token from the settings has a digest of both
    secrets instead, so that it ends when that setting changes."""

    __tablename__ = "web_sessions"
    __table_args__ = (CheckConstraint("(token_id IS NULL) <> (setting_digest IS NULL)", name="owner"),)

    id: Mapped[RowId] = mapped_column(primary_key=True)
    secret_hash: Mapped[Text64] = mapped_column(unique=True)
    token_id: Mapped[RowId | None] = mapped_column(ForeignKey(ApiToken.id), index=True)
    setting_digest: Mapped[Text64 | None]
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[Timestamp] = mapped_column(index=True)


class SignInLink(Base):
    """A link that signs a browser in once, by a secret that is stored only as a hash. Its token was made for it, and
    has no secret that anybody knows."""

    __tablename__ = "sign_in_links"

    id: Mapped[RowId] = mapped_column(primary_key=True)
    secret_hash: Mapped[Text64] = mapped_column(unique=True)
    token_id: Mapped[RowId] = mapped_column(ForeignKey(ApiToken.id))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Timestamp] = mapped_column(index=True)
    used_at: Mapped[Timestamp | None]
