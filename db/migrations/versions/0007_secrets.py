"""The secrets that gateways share, such as the key of the digests of e-mail addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NOW = {
    "postgresql": "now()",
    "sqlite": "(CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)",
}


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", text(32), nullable=False),
        sa.Column("value", text(64), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text(NOW[op.get_bind().dialect.name]), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secrets"),
    )
