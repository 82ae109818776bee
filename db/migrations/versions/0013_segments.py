"""Columnar copies of clicks and bookings, from which reports by dimension are answered."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
KIND = sa.String(32).with_variant(sa.String(32, collation="C"), "postgresql")


def key(*names: str) -> "list[sa.Column[int]]":
    return [sa.Column(name, ROW_ID, autoincrement=False, nullable=False) for name in names]


def count(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def upgrade() -> None:
    op.create_table(
        "report_segments",
        *key("program_id"),
        sa.Column("kind", KIND, nullable=False),
        *key("id"),
        count("events"),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("checksum", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("program_id", "kind", "id", name="pk_report_segments"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # The data is compressed already.
        op.execute("ALTER TABLE report_segments ALTER COLUMN data SET STORAGE EXTERNAL")
    op.create_table(
        "report_segment_totals",
        *key("program_id"),
        sa.Column("kind", KIND, nullable=False),
        count("segments"),
        count("events"),
        sa.PrimaryKeyConstraint("program_id", "kind", name="pk_report_segment_totals"),
    )
