"""Rollups of totals only: reports by dimension are answered from segments.

The rows that stay, a small part of them, are copied. To delete the others would take longer, and leave the space that
they took between those that stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
KEY = ("program_id", "level", "subject_id", "span_seconds", "bucket_at", "partner_id")
BOOKED = ("leads", "sales", "revenue", "earnings")


def text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def row_id(name: str) -> "sa.Column[int]":
    return sa.Column(name, ROW_ID, autoincrement=False, nullable=False)


def upgrade() -> None:
    keep_totals("click_rollups", KEY, ("people", "bots", "customers", "bot_customers"))
    sums = (*BOOKED, *(f"bot_{name}" for name in BOOKED))
    keep_totals("conversion_rollups", (*KEY, "currency"), sums, sa.Column("currency", text(3), nullable=False))


def keep_totals(table: str, key: tuple[str, ...], sums: tuple[str, ...], *others: "sa.Column[str]") -> None:
    """Put a table with the totals in the place of one with all rollups."""
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    old = f"{table}_by_dimension"
    # The key of the new table has the old one's name, which SQLite allows and PostgreSQL does not.
    if is_postgresql:
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{old}")
    op.rename_table(table, old)
    primary_key = sa.PrimaryKeyConstraint(*key, name=f"pk_{table}")
    op.create_table(
        table,
        row_id("program_id"),
        sa.Column("level", text(32), nullable=False),
        row_id("subject_id"),
        sa.Column("span_seconds", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bucket_at", MOMENT, nullable=False),
        row_id("partner_id"),
        *others,
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in sums),
        *([] if is_postgresql else [primary_key]),
        sqlite_with_rowid=False,
    )
    columns = ", ".join((*key, *sums))
    # SQLite reads the rows in the order of the old key, which is that of the new one.
    found = f"SELECT {columns} FROM {old} WHERE dimension = 'total' AND value = ''"  # noqa: S608  fixed names
    op.execute(f"INSERT INTO {table} ({columns}) {found}")
    if is_postgresql:
        # Faster than to add each row to the index.
        op.create_primary_key(f"pk_{table}", table, list(key))
    op.drop_table(old)
