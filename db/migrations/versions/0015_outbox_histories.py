"""How far the history is listed in the outbox for consumers that begin with the first event."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "outbox_histories",
        sa.Column("consumer", text(64), nullable=False),
        sa.Column("kind", text(32), nullable=False),
        sa.Column("listed_to", ROW_ID, nullable=False),
        sa.Column("last_id", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "kind", name="pk_outbox_histories"),
    )
