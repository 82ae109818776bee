"""The bookings of conversions, and the rollups that add them up for reports."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
SUMS = ("leads", "sales", "revenue", "earnings")


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def row_id(name: str) -> "sa.Column[int]":
    return sa.Column(name, ROW_ID, autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "conversion_bookings",
        row_id("program_id"),
        sa.Column("kind", text(32), nullable=False),
        row_id("id"),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        *(sa.Column(name, ROW_ID, nullable=False) for name in ("partner_id", "link_id", "click_event_id")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint(
            *("program_id", "kind", "id", "currency", "occurred_at"), name="pk_conversion_bookings"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_conversion_bookings_program_id_occurred_at", "conversion_bookings", ["program_id", "occurred_at"]
    )
    op.create_table(
        "conversion_rollups",
        row_id("program_id"),
        sa.Column("level", text(32), nullable=False),
        row_id("subject_id"),
        sa.Column("dimension", text(32), nullable=False),
        sa.Column("span_seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=False),
        sa.Column("value", text(512), nullable=False),
        row_id("partner_id"),
        sa.Column("currency", text(3), nullable=False),
        sa.Column("is_bot", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint(
            *("program_id", "level", "subject_id", "dimension", "span_seconds", "bucket_at", "value", "partner_id"),
            *("currency", "is_bot"),
            name="pk_conversion_rollups",
        ),
        sqlite_with_rowid=False,
    )
    # Without it, nothing would tell the bookings that are not in the rollups yet from those that are.
    op.execute("INSERT INTO outbox_consumers (name, position, complete_to) VALUES ('conversions', 0, 0)")
