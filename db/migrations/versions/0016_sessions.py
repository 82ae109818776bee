"""Signed-in browsers, and links that sign in once."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
HASH = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def now() -> sa.TextClause:
    if op.get_bind().dialect.name == "postgresql":
        return sa.text("now()")
    return sa.text("(CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)")


def upgrade() -> None:
    op.create_table(
        "web_sessions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("token_id", ROW_ID, nullable=True),
        sa.Column("setting_digest", HASH, nullable=True),
        sa.Column("created_at", MOMENT, server_default=now(), nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=False),
        sa.CheckConstraint("(token_id IS NULL) <> (setting_digest IS NULL)", name="ck_web_sessions_owner"),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name="fk_web_sessions_token_id"),
        sa.PrimaryKeyConstraint("id", name="pk_web_sessions"),
        sa.UniqueConstraint("secret_hash", name="uq_web_sessions_secret_hash"),
    )
    op.create_index("ix_web_sessions_token_id", "web_sessions", ["token_id"])
    op.create_index("ix_web_sessions_last_used_at", "web_sessions", ["last_used_at"])
    op.create_table(
        "sign_in_links",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("secret_hash", HASH, nullable=False),
        sa.Column("token_id", ROW_ID, nullable=False),
        sa.Column("created_at", MOMENT, server_default=now(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.id"], name="fk_sign_in_links_token_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_links"),
        sa.UniqueConstraint("secret_hash", name="uq_sign_in_links_secret_hash"),
    )
    op.create_index("ix_sign_in_links_expires_at", "sign_in_links", ["expires_at"])
