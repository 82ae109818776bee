"""What remains known of months whose clicks were dropped; segments know the month of their clicks."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
LEVEL = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def key(name: str) -> sa.Column[int]:
    return sa.Column(name, ROW_ID, autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "click_horizon",
        key("id"),
        sa.Column("first_id", ROW_ID, nullable=False),
        sa.Column("first_day", MOMENT, nullable=False),
        sa.CheckConstraint("id = 1", name="single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_click_horizon"),
    )
    op.create_table(
        "dropped_clicks",
        *(key(name) for name in ("program_id", "partner_id", "link_id")),
        count("clicks"),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("program_id", "partner_id", "link_id", name="pk_dropped_clicks"),
    )
    op.create_table(
        "dropped_rollups",
        key("program_id"),
        sa.Column("level", LEVEL, nullable=False),
        key("subject_id"),
        sa.Column("span_seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=False),
        key("partner_id"),
        *(count(name) for name in ("people", "bots", "customers", "bot_customers")),
        sa.PrimaryKeyConstraint(
            *("program_id", "level", "subject_id", "span_seconds", "bucket_at", "partner_id"), name="pk_dropped_rollups"
        ),
    )
    op.add_column("report_segments", count("month"))
